//! The chain of all contexts, stored without indices.

use rayon::prelude::*;

use super::transition::{LikelyStep, StepSampler, Transition, TransitionOperator, likeliest};
use crate::error::{Error, Result};
use crate::prob::{AliasRows, Law, StreamRng};
use crate::text::{ContextSpace, Token};

/// Outputs that one task of a product computes: 16 KiB of sums, which stay in
/// the first-level cache while the table streams past them.
const TILE: usize = 2048;

/// Tiles from which on they are worth gathering by suffix.
const MANY_TILES: usize = 16;

/// A number that a table may be stored in.
pub trait TableEntry: Copy + Send + Sync + 'static {
    /// The entry in double precision.
    fn widen(self) -> f64;
}

impl TableEntry for f64 {
    fn widen(self) -> f64 {
        self
    }
}

impl TableEntry for f32 {
    fn widen(self) -> f64 {
        f64::from(self)
    }
}

/// A probability in single precision. One too small for it becomes the smallest
/// normal number, 2^-126, not zero: what can happen still can.
pub fn round_to_f32(probability: f64) -> f32 {
    let rounded = probability as f32;
    if probability > 0.0 { rounded.max(f32::MIN_POSITIVE) } else { rounded }
}

/// All `V^K` contexts of a model: only the table `p[context][token]` is stored,
/// the shift structure gives the columns.
///
/// A product reads the table once and in order, which is its limit: `N·V`
/// entries of 8 bytes (`f64`) or 4 (`f32`).
///
/// ```text
/// (law · P)[r·V + v] = sum over a of  law[a·V^(K-1) + r] · p[a·V^(K-1) + r][v]
/// (P · f)[c]         = sum over v of  p[c][v] · f[(c mod V^(K-1))·V + v]
/// ```
///
/// A table in `f32` stands for the chain whose rows are its rounded entries
/// divided by their sum; sums are always formed in `f64`.
///
/// # Example
///
/// ```
/// use lmchain::operator::{ShiftOperator, TransitionOperator};
/// use lmchain::text::ContextSpace;
///
/// // Two tokens, one token of context: 0 is followed by 0 or 1, 1 only by 0.
/// let chain = ShiftOperator::new(ContextSpace::new(2, 1)?, vec![0.5, 0.5, 1.0, 0.0])?;
/// let mut next = [0.0; 2];
/// chain.push_forward(&[1.0, 0.0], &mut next);
/// assert_eq!(next, [0.5, 0.5]);
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ShiftOperator<T: TableEntry = f64> {
    space: ContextSpace,
    table: Vec<T>,
    /// One over the sum of each row where rows are rounded (`f32`); else empty.
    row_scale: Vec<f64>,
}

impl ShiftOperator<f64> {
    /// The chain with transition probabilities `table[c * V + v]`.
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`] if the table does not have `V^K · V` entries,
    /// [`Error::InvalidEntry`] and [`Error::RowSum`] for rows that are not laws.
    pub fn new(space: ContextSpace, table: Vec<f64>) -> Result<Self> {
        check_table(&space, &table, Law::sum_tolerance(space.vocabulary_size()))?;
        Ok(Self { space, table, row_scale: Vec::new() })
    }

    /// The same chain with its table rounded to `f32` ([`round_to_f32`]): half
    /// the memory and traffic.
    pub fn to_f32(&self) -> ShiftOperator<f32> {
        ShiftOperator::with_scales(self.space, self.table.iter().map(|&p| round_to_f32(p)).collect())
    }
}

impl ShiftOperator<f32> {
    /// The chain with transition probabilities `table[c * V + v]`, rounded.
    ///
    /// # Errors
    ///
    /// As for `f64`; rows must sum to one within the rounding of their entries.
    pub fn new_f32(space: ContextSpace, table: Vec<f32>) -> Result<Self> {
        check_table(&space, &table, f64::from(f32::EPSILON) + Law::sum_tolerance(space.vocabulary_size()))?;
        Ok(Self::with_scales(space, table))
    }

    fn with_scales(space: ContextSpace, table: Vec<f32>) -> Self {
        let row_scale = table
            .par_chunks_exact(space.vocabulary_size())
            .map(|row| row.iter().map(|&p| f64::from(p)).sum::<f64>().recip())
            .collect();
        Self { space, table, row_scale }
    }
}

impl<T: TableEntry> ShiftOperator<T> {
    /// Bytes that the table over a context space takes.
    pub fn table_bytes(space: &ContextSpace) -> u128 {
        space.len() as u128 * space.vocabulary_size() as u128 * size_of::<T>() as u128
    }

    /// The numbering of the contexts.
    pub fn space(&self) -> &ContextSpace {
        &self.space
    }

    /// The law of the next token after a context, in `f64`.
    pub fn next_token_law(&self, context: usize) -> impl Iterator<Item = f64> + '_ {
        let scale = self.scale(context);
        self.row(context).iter().map(move |p| p.widen() * scale)
    }

    fn row(&self, context: usize) -> &[T] {
        let v = self.space.vocabulary_size();
        &self.table[context * v..(context + 1) * v]
    }

    fn scale(&self, context: usize) -> f64 {
        self.row_scale.get(context).copied().unwrap_or(1.0)
    }

    fn entry(&self, context: usize, token: usize) -> f64 {
        self.table[context * self.space.vocabulary_size() + token].widen() * self.scale(context)
    }

    /// Sums one tile of `law · P`: outputs `first..first + tile.len()`.
    ///
    /// A tile is either whole runs of V outputs (one run per suffix) or, for a
    /// vocabulary longer than a tile, part of one run. Four predecessor rows
    /// are combined per pass over the tile.
    fn push_tile(&self, law: &[f64], first: usize, tile: &mut [f64]) {
        let v = self.space.vocabulary_size();
        let suffixes = self.space.suffixes();
        let weight = |context: usize| law[context] * self.scale(context);
        tile.fill(0.0);
        for (run, out) in runs(first, tile.len(), v) {
            let (suffix, column) = (run / v, run % v);
            let out = &mut tile[out];
            let len = out.len();
            let row = |a: usize| {
                let start = (a * suffixes + suffix) * v + column;
                (weight(a * suffixes + suffix), &self.table[start..start + len])
            };
            let mut a = 0;
            while a + 4 <= v {
                let [(w0, r0), (w1, r1), (w2, r2), (w3, r3)] = [row(a), row(a + 1), row(a + 2), row(a + 3)];
                for (((sum, p0), p1), (p2, p3)) in out.iter_mut().zip(r0).zip(r1).zip(r2.iter().zip(r3)) {
                    *sum += (w0 * p0.widen() + w1 * p1.widen()) + (w2 * p2.widen() + w3 * p3.widen());
                }
                a += 4;
            }
            for a in a..v {
                let (w, r) = row(a);
                for (sum, p) in out.iter_mut().zip(r) {
                    *sum += w * p.widen();
                }
            }
        }
    }

    fn tile_len(&self) -> usize {
        let v = self.space.vocabulary_size();
        if v >= TILE { TILE } else { TILE / v * v }
    }
}

impl<T: TableEntry> TransitionOperator for ShiftOperator<T> {
    fn states(&self) -> usize {
        self.space.len()
    }

    fn stored_entries(&self) -> usize {
        self.table.len()
    }

    fn longest_sum(&self) -> usize {
        self.space.vocabulary_size()
    }

    fn push_forward(&self, law: &[f64], next: &mut [f64]) {
        super::check_lengths(self, law, next);
        let tile_len = self.tile_len();
        next.par_chunks_mut(tile_len)
            .enumerate()
            .for_each(|(tile, out)| self.push_tile(law, tile * tile_len, out));
    }

    fn pull_back(&self, observable: &[f64], expected: &mut [f64]) {
        super::check_lengths(self, observable, expected);
        let contexts = (TILE / self.space.vocabulary_size()).max(1);
        let pull = |first: usize, out: &mut [f64]| {
            for (context, value) in (first..).zip(out) {
                let next = &observable[self.space.successors(context)];
                *value = dot(self.row(context), next) * self.scale(context);
            }
        };
        let suffixes = self.space.suffixes();
        if suffixes < MANY_TILES * contexts {
            let tiles = expected.par_chunks_mut(contexts).enumerate();
            tiles.for_each(|(tile, out)| pull(tile * contexts, out));
            return;
        }
        // Contexts that differ only in their oldest token look at the same part
        // of the observable: a task takes a tile of suffixes with every oldest
        // token, so that this part is read from memory once, not V times.
        let mut lanes: Vec<_> = expected.chunks_mut(suffixes).map(|lane| lane.chunks_mut(contexts)).collect();
        let tiles: Vec<Vec<&mut [f64]>> = (0..suffixes.div_ceil(contexts))
            .map(|_| lanes.iter_mut().filter_map(Iterator::next).collect())
            .collect();
        tiles.into_par_iter().enumerate().for_each(|(tile, outs)| {
            for (oldest, out) in outs.into_iter().enumerate() {
                pull(oldest * suffixes + tile * contexts, out);
            }
        });
    }

    fn next_successor(&self, state: usize, cursor: usize) -> Option<Transition> {
        let row = self.row(state);
        let token = (cursor..row.len()).find(|&token| row[token].widen() > 0.0)?;
        Some(Transition {
            state: self.space.shift(state, token as Token),
            probability: row[token].widen() * self.scale(state),
            cursor: token + 1,
        })
    }

    fn next_predecessor(&self, state: usize, cursor: usize) -> Option<Transition> {
        let newest = self.space.newest(state) as usize;
        (cursor..self.space.vocabulary_size()).find_map(|oldest| {
            let before = self.space.unshift(state, oldest as Token);
            let probability = self.entry(before, newest);
            (probability > 0.0).then_some(Transition { state: before, probability, cursor: oldest + 1 })
        })
    }

    fn probability(&self, from: usize, to: usize) -> f64 {
        let token = self.space.newest(to);
        if self.space.shift(from, token) == to { self.entry(from, token as usize) } else { 0.0 }
    }

    fn likely_steps(&self, steps: &mut [LikelyStep]) {
        assert_eq!(steps.len(), self.states(), "one entry per state");
        steps.par_iter_mut().with_min_len(64).enumerate().for_each(|(context, step)| {
            let first = self.space.successors(context).start;
            *step = likeliest((first..).zip(self.next_token_law(context)));
        });
    }

    fn is_evidently_shift(&self) -> bool {
        true
    }

    fn is_evidently_regular(&self) -> bool {
        // With every entry positive, K steps lead anywhere.
        self.table.par_chunks(1 << 16).all(|entries| entries.iter().all(|p| p.widen() > 0.0))
    }

    fn sampler_bytes(&self) -> u128 {
        AliasRows::bytes(self.states(), self.stored_entries())
    }

    fn sampler(&self) -> Box<dyn StepSampler + '_> {
        let mut rows = AliasRows::with_capacity(self.states(), self.stored_entries());
        let mut law = vec![0.0; self.space.vocabulary_size()];
        for context in 0..self.states() {
            for (entry, p) in law.iter_mut().zip(self.row(context)) {
                *entry = p.widen();
            }
            rows.push(&law);
        }
        Box::new(ShiftSteps { space: self.space, rows })
    }
}

/// Alias tables over tokens; the shift gives the state.
struct ShiftSteps {
    space: ContextSpace,
    rows: AliasRows,
}

impl StepSampler for ShiftSteps {
    fn step(&self, state: usize, rng: &mut StreamRng) -> usize {
        self.space.shift(state, self.rows.draw(state, rng) as Token)
    }
}

/// Splits outputs `first..first + len` into runs that share a suffix: the
/// number of the first output of each, and its place in the tile.
fn runs(first: usize, len: usize, v: usize) -> impl Iterator<Item = (usize, std::ops::Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        (done < len).then(|| {
            let start = done;
            let column = (first + start) % v;
            done = len.min(start + v - column);
            (first + start, start..done)
        })
    })
}

/// A dot product with eight running sums, added up in a fixed order.
fn dot<T: TableEntry>(row: &[T], values: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    let (rows, row_rest) = row.as_chunks::<8>();
    let (blocks, rest) = values.as_chunks::<8>();
    for (p, f) in rows.iter().zip(blocks) {
        for lane in 0..8 {
            lanes[lane] += p[lane].widen() * f[lane];
        }
    }
    let tail: f64 = row_rest.iter().zip(rest).map(|(p, f)| p.widen() * f).sum();
    let [a, b, c, d, e, f, g, h] = lanes;
    ((a + b) + (c + d)) + ((e + f) + (g + h)) + tail
}

fn check_table<T: TableEntry>(space: &ContextSpace, table: &[T], tolerance: f64) -> Result<()> {
    let v = space.vocabulary_size();
    if space.len() >= u32::MAX as usize {
        let allowed = u128::from(u32::MAX) * v as u128 * size_of::<T>() as u128;
        return Err(Error::TooLarge {
            what: "a table of 2^32 - 1 contexts or more, which are numbered in 32 bits,",
            needed: ShiftOperator::<T>::table_bytes(space),
            allowed,
        });
    }
    let expected = space.len().checked_mul(v);
    if expected != Some(table.len()) {
        return Err(Error::LengthMismatch { expected: expected.unwrap_or(usize::MAX), found: table.len() });
    }
    let problem = table.par_chunks_exact(v).enumerate().find_map_first(|(row, law)| {
        let bad = law.iter().position(|p| !(p.widen().is_finite() && p.widen() >= 0.0));
        if let Some(column) = bad {
            return Some(Error::InvalidEntry { row, column, value: law[column].widen() });
        }
        let sum: f64 = law.iter().map(|p| p.widen()).sum();
        ((sum - 1.0).abs() > tolerance).then_some(Error::RowSum { row, sum, tolerance })
    });
    problem.map_or(Ok(()), Err)
}
