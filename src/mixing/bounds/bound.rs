//! One bound.

use std::fmt;

use super::runs::Runs;

/// Steps beyond which nothing is looked for.
const LAST: u64 = 1 << 62;

/// The bounds that there are.
///
/// All are upper bounds on `d-bar(t)`, the largest distance between the laws
/// from two starts after `t` steps, and so on the distance from the stationary
/// law. `p(v | c)` is the probability of the token `v` after the context `c` of K tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BoundKind {
    /// `(1 - 2 eps)^(floor(t/K) - 1)`, with `eps` the least entry of `P^K` (Zekri et al. 2024, who
    /// state it of the entries of `P^t`; as Doeblin's `alpha` is at least `N eps`, it holds of
    /// the distance, and is never better than Doeblin's).
    Zekri,
    /// `(1 - alpha)^floor(t/m)`, with `alpha = sum over j of min over i of P^m(i, j)`, the part that the
    /// laws after `m` steps have in common (Doeblin 1937).
    Doeblin,
    /// Doeblin's for `m = K` with no more than `alpha = alpha_0^K`, where
    /// `alpha_0 = sum over v of min over c of p(v | c)` is the part of the next token's law
    /// that no context can move: K tokens drawn from it are a window.
    TokenFloor,
    /// `delta^floor(t/m)`, with `delta` the largest distance between two rows of `P^m` (Dobrushin 1956).
    Dobrushin,
    /// Two texts are coupled token by token. Once their last `n` tokens agree the next ones
    /// can be made to with probability `r_n` at least, one less the largest distance between
    /// the laws after two contexts with the same last `n` tokens. They have met when K tokens in
    /// a row agree; the bound is the probability that a run of K has not been seen by `t`: a house of
    /// cards (Bressaud, Fernández & Galves 1999).
    HouseOfCards,
    /// The house of cards with `a_n` in place of `r_n`: the least part that the
    /// laws after *all* contexts with the same last `n` tokens have in common (Comets, Fernández & Ferrari
    /// 2002). `a_n <= r_n`.
    CommonTokens,
}

impl BoundKind {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Zekri => "Zekri et al., least entry of P^K",
            Self::Doeblin => "Doeblin, P^K",
            Self::TokenFloor => "token floor",
            Self::Dobrushin => "Dobrushin, P^K",
            Self::HouseOfCards => "house of cards, pairs",
            Self::CommonTokens => "house of cards, common part",
        }
    }
}

/// What a bound is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Proven, with rounding on the safe side: an upper bound on the distance between the laws from
    /// any two starts, and so on the distance from the stationary law.
    Certificate,
    /// Made of samples: what was not looked at may be worse.
    Estimate,
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Certificate => "certificate",
            Self::Estimate => "estimate",
        })
    }
}

/// An upper bound on the distance from the worst start, at every time.
///
/// As a certificate it holds for the chain whose rows are the stored ones divided by their sums: the
/// rounding of what it is made of, and of its value, is on the safe side.
#[derive(Debug, Clone, PartialEq)]
pub struct MixingBound {
    kind: BoundKind,
    standing: Standing,
    shape: Shape,
}

#[derive(Debug, Clone, PartialEq)]
enum Shape {
    /// `(1 - loss)^(t / block - wait)`, whole blocks only.
    Blocks { loss: f64, block: u64, wait: u64 },
    /// No run of successes yet.
    Runs(Runs),
}

impl MixingBound {
    /// A factor `1 - loss` for each block of steps, the first `wait` blocks aside.
    /// The loss is known within a relative error, which is taken off it.
    pub(super) fn blocks(kind: BoundKind, loss: f64, relative_error: f64, block: usize, wait: u64) -> Self {
        let loss = (loss * (1.0 - relative_error)).clamp(0.0, 1.0);
        let shape = Shape::Blocks { loss, block: block.max(1) as u64, wait };
        Self { kind, standing: Standing::Certificate, shape }
    }

    /// The house of cards with these probabilities of success after runs of 0, 1, ... successes.
    pub(crate) fn runs(kind: BoundKind, standing: Standing, successes: Vec<f64>) -> Self {
        Self { kind, standing, shape: Shape::Runs(Runs::new(successes)) }
    }

    /// Which bound it is.
    pub fn kind(&self) -> BoundKind {
        self.kind
    }

    /// What it is worth.
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// What a block of steps takes off, for the bounds that fall block by block: `alpha` of Doeblin and the
    /// token floor (`alpha_0^K`), `1 - delta` of Dobrushin, `2 eps` of Zekri. Zero says nothing.
    pub fn loss(&self) -> Option<f64> {
        match &self.shape {
            Shape::Blocks { loss, .. } => Some(*loss),
            Shape::Runs(_) => None,
        }
    }

    /// The probabilities `r_n` or `a_n`, for `n = 0..K`, of the houses of cards.
    pub fn successes(&self) -> Option<&[f64]> {
        match &self.shape {
            Shape::Blocks { .. } => None,
            Shape::Runs(runs) => Some(runs.successes()),
        }
    }

    /// The bound after `steps` steps: from 1 down. `O(1)`, for houses of cards `O(K^3 log steps)`.
    pub fn at(&self, steps: u64) -> f64 {
        match &self.shape {
            Shape::Blocks { loss, block, wait } => power(*loss, (steps / block).saturating_sub(*wait)),
            Shape::Runs(runs) => runs.survival(steps),
        }
    }

    /// The bound after `0..=steps` steps.
    pub fn curve(&self, steps: usize) -> Vec<f64> {
        match &self.shape {
            Shape::Blocks { .. } => (0..=steps as u64).map(|step| self.at(step)).collect(),
            Shape::Runs(runs) => runs.curve(steps),
        }
    }

    /// The first time at which the bound is at most `level`: an upper bound on the
    /// mixing time to that distance. `None` if it never is, or not in 2^62 steps.
    pub fn first_below(&self, level: f64) -> Option<u64> {
        match &self.shape {
            Shape::Blocks { loss, block, wait } => {
                let blocks = blocks_below(*loss, level)?;
                let wait = if blocks == 0 { 0 } else { *wait };
                blocks.checked_add(wait)?.checked_mul(*block).filter(|&steps| steps <= LAST)
            }
            Shape::Runs(runs) => runs.first_below(level, LAST),
        }
    }
}

/// `(1 - loss)^n`, rounded up.
fn power(loss: f64, n: u64) -> f64 {
    if n == 0 {
        return 1.0;
    }
    // The logarithm, the product, the conversion of `n` and the exponential round once each.
    let exponent = n as f64 * (-loss).ln_1p();
    let rounding = 4.0 * f64::EPSILON * (1.0 + exponent.abs());
    if exponent == f64::NEG_INFINITY { 0.0 } else { (exponent.exp() * (1.0 + rounding)).min(1.0) }
}

/// The least `n` with `(1 - loss)^n <= level`, as `power` has it.
fn blocks_below(loss: f64, level: f64) -> Option<u64> {
    if level >= 1.0 {
        return Some(0);
    }
    let guess = (level.ln() / (-loss).ln_1p()).floor();
    if !(loss > 0.0 && level > 0.0 && guess < LAST as f64) {
        return None;
    }
    // The guess is off by rounding, which is a few units of it.
    let slack = 2 + (8.0 * f64::EPSILON * guess) as u64;
    let (mut above, mut below) = ((guess as u64).saturating_sub(slack), guess as u64 + 2 * slack);
    while below - above > 1 {
        let middle = above + (below - above) / 2;
        if power(loss, middle) <= level { below = middle } else { above = middle }
    }
    Some(below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_fall_when_they_should() {
        let bound = |loss, block, wait| MixingBound::blocks(BoundKind::Doeblin, loss, 0.0, block, wait);
        // 1/4 after two halves; rounding up may not lose a step by more than one.
        assert_eq!(bound(0.75, 3, 0).first_below(0.2500001), Some(3));
        assert_eq!(bound(0.5, 1, 1).first_below(0.2500001), Some(3));
        assert_eq!(bound(0.0, 1, 0).first_below(0.25), None);
        assert_eq!(bound(1.0, 2, 0).first_below(1e-300), Some(2));
        assert_eq!(bound(0.5, 1, 3).first_below(1.0), Some(0));
        assert_eq!(bound(1e-19, 1, 0).first_below(0.25), None);
        for loss in [0.3, 1e-3, 1e-9, 1e-15] {
            let bound = bound(loss, 1, 0);
            let first = bound.first_below(0.1).unwrap();
            assert!(bound.at(first) <= 0.1 && bound.at(first - 1) > 0.1, "{loss}: {first}");
            let exact = 0.1f64.ln() / (-loss).ln_1p();
            assert!((first as f64 - exact).abs() <= 1.0 + 1e-14 * exact, "{loss}: {first}, not {exact}");
        }
    }
}
