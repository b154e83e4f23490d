//! Synthetic context chains for measuring: the same chain, bit for bit, in every
//! language, as a function of the variant, V, K and the seed alone.
//!
//! Weights are integers made by 64-bit hashing; a probability is one division
//! `weight / row sum` of two integers that a double holds exactly. No `exp`, no
//! `log`: nothing that two machines may round differently.

use rayon::prelude::*;

/// The increment of splitmix64.
const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

/// The output function of splitmix64.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Output number `number + 1` of splitmix64 from `seed`.
fn output(seed: u64, number: u64) -> u64 {
    mix(seed.wrapping_add(GAMMA.wrapping_mul(number.wrapping_add(1))))
}

/// How the weights of a row are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Variant {
    /// Exponents spread over `0..=exponents`: a softmax of roughly uniform logits.
    Soft { exponents: u64 },
    /// Zipf's law of this power over a ranking rotated row by row: nearly deterministic.
    Peaky { power: u32 },
    /// As soft, with blocks of tokens; the block of the token `lag` places back
    /// is left with a chance of about `2^-strength` a step.
    Meta { exponents: u64, blocks: u64, lag: u32, strength: u32 },
}

/// Which synthetic chain: variant, vocabulary size V, context length K, seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChainSpec {
    name: &'static str,
    variant: Variant,
    vocabulary_size: usize,
    context_length: u32,
    seed: u64,
}

impl ChainSpec {
    /// Mixes fast: the easy case.
    pub(crate) fn soft(vocabulary_size: usize, context_length: u32) -> Self {
        Self::with_seed_one("soft", Variant::Soft { exponents: 8 }, vocabulary_size, context_length)
    }

    /// A low temperature: few likely successors.
    pub(crate) fn peaky4(vocabulary_size: usize, context_length: u32) -> Self {
        Self::with_seed_one("peaky4", Variant::Peaky { power: 4 }, vocabulary_size, context_length)
    }

    /// Nearly deterministic: long cycles, eigenvalues near the unit circle.
    pub(crate) fn peaky8(vocabulary_size: usize, context_length: u32) -> Self {
        Self::with_seed_one("peaky8", Variant::Peaky { power: 8 }, vocabulary_size, context_length)
    }

    /// Two topics, told by the newest token.
    pub(crate) fn meta2(vocabulary_size: usize, context_length: u32) -> Self {
        Self::with_seed_one("meta2", Self::meta(2, 1), vocabulary_size, context_length)
    }

    /// Three topics, told by the newest token.
    pub(crate) fn meta3(vocabulary_size: usize, context_length: u32) -> Self {
        Self::with_seed_one("meta3", Self::meta(3, 1), vocabulary_size, context_length)
    }

    /// Two topics, told by the oldest token: invisible to every shorter suffix.
    pub(crate) fn meta2old(vocabulary_size: usize, context_length: u32) -> Self {
        Self::with_seed_one("meta2old", Self::meta(2, context_length), vocabulary_size, context_length)
    }

    /// The chain of a name, seed 1.
    pub(crate) fn named(name: &str, vocabulary_size: usize, context_length: u32) -> Option<Self> {
        let named = match name {
            "soft" => Self::soft,
            "peaky4" => Self::peaky4,
            "peaky8" => Self::peaky8,
            "meta2" => Self::meta2,
            "meta3" => Self::meta3,
            "meta2old" => Self::meta2old,
            _ => return None,
        };
        Some(named(vocabulary_size, context_length))
    }

    fn meta(blocks: u64, lag: u32) -> Variant {
        Variant::Meta { exponents: 4, blocks, lag, strength: 10 }
    }

    #[track_caller]
    fn with_seed_one(
        name: &'static str,
        variant: Variant,
        vocabulary_size: usize,
        context_length: u32,
    ) -> Self {
        // Above 256 tokens the sum of a row could leave the integers that a double holds.
        assert!((1..=256).contains(&vocabulary_size), "1 to 256 tokens");
        assert!(context_length >= 1, "a context of at least one token");
        Self { name, variant, vocabulary_size, context_length, seed: 1 }
    }

    /// The chain's name, V and K, as an id for a benchmark.
    pub(crate) fn id(&self) -> String {
        format!("{}/{}^{}", self.name, self.vocabulary_size, self.context_length)
    }

    /// Vocabulary size V.
    pub(crate) fn vocabulary_size(&self) -> usize {
        self.vocabulary_size
    }

    /// Context length K.
    pub(crate) fn context_length(&self) -> usize {
        self.context_length as usize
    }

    /// Number of contexts, `V^K`.
    pub(crate) fn states(&self) -> usize {
        self.vocabulary_size.pow(self.context_length)
    }

    /// The table `p[context][token]`, row by row: `V^K * V` probabilities.
    pub(crate) fn table(&self) -> Vec<f64> {
        self.map_table(|p| p)
    }

    /// The table in single precision: each double rounded once.
    pub(crate) fn table_f32(&self) -> Vec<f32> {
        self.map_table(|p| p as f32)
    }

    fn map_table<T: Send + Sync + Default + Clone>(&self, round: impl Fn(f64) -> T + Sync) -> Vec<T> {
        let vocabulary_size = self.vocabulary_size;
        let mut table = vec![T::default(); self.states() * vocabulary_size];
        table.par_chunks_exact_mut(vocabulary_size).enumerate().with_min_len(256).for_each_init(
            || vec![0; vocabulary_size],
            |weights, (state, row)| {
                self.write_weights(state as u64, weights);
                let sum: u64 = weights.iter().sum();
                for (p, &weight) in row.iter_mut().zip(&*weights) {
                    *p = round(weight as f64 / sum as f64);
                }
            },
        );
        table
    }

    /// Writes the rows of the contexts from `first` on.
    pub(crate) fn write_rows(&self, first: usize, rows: &mut [f64]) {
        let mut weights = vec![0; self.vocabulary_size];
        for (state, row) in (first as u64..).zip(rows.chunks_exact_mut(self.vocabulary_size)) {
            self.write_weights(state, &mut weights);
            let sum: u64 = weights.iter().sum();
            row.iter_mut().zip(&weights).for_each(|(p, &weight)| *p = weight as f64 / sum as f64);
        }
    }

    /// Writes the integer weights of one row.
    fn write_weights(&self, state: u64, weights: &mut [u64]) {
        let v = self.vocabulary_size as u64;
        let row = output(self.seed, state);
        let rotation = mix(row ^ 0xA5A5_A5A5_A5A5_A5A5) % v;
        for (token, weight) in (0..v).zip(weights) {
            let hash = output(row, token);
            let mantissa = 65_536 + (hash & 65_535);
            let soft = |exponents: u64| mantissa << ((hash >> 32) % (exponents + 1));
            *weight = match self.variant {
                Variant::Soft { exponents } => soft(exponents),
                Variant::Peaky { power } => {
                    let rank = (token + rotation) % v + 1;
                    let zipf = (0..power).fold(1_u64 << 40, |w, _| w / rank);
                    ((zipf * mantissa) >> 16).max(1)
                }
                Variant::Meta { exponents, blocks, lag, strength } => {
                    let told = (state / v.pow(lag - 1)) % v;
                    let same_block = token * blocks / v == told * blocks / v;
                    soft(exponents) << if same_block { strength } else { 0 }
                }
            };
        }
    }
}

/// A checksum over the bits of a table, in any order of its entries but not of their places.
pub(crate) fn checksum(table: &[f64]) -> u64 {
    table
        .par_iter()
        .enumerate()
        .with_min_len(4096)
        .map(|(i, p)| mix(p.to_bits().wrapping_add(GAMMA.wrapping_mul(i as u64 + 1))))
        .reduce(|| 0, u64::wrapping_add)
}
