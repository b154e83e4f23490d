//! States told apart by the values of a few observables.

/// Observables that states are told apart by. One alone may be about the same in two sets.
pub(super) const OBSERVABLES: usize = 4;

/// The values of the observables in one state.
pub(super) type Values = [f64; OBSERVABLES];

/// The least share of the variance of an observable that a split has to explain.
/// Of sets that differ it is several times that or more; what is left within a set
/// once the chain has mixed there, far less.
const LEAST_SHARE: f64 = 1e-3;

/// Sets of states as the leaves of a regression tree (Breiman, Friedman, Olshen & Stone 1984,
/// chapter 8): the set whose halves differ most is split, until none differ.
pub(super) struct PartitionTree {
    /// In the order in which they were made.
    splits: Vec<Split>,
}

/// What lies above a threshold leaves one set for a new one, numbered next.
struct Split {
    set: u32,
    observable: usize,
    threshold: f64,
}

/// The split that explains most of an observable.
#[derive(Clone, Copy)]
struct Best {
    share: f64,
    observable: usize,
    threshold: f64,
}

impl PartitionTree {
    /// Grows a tree of at most so many sets over a sample of states.
    ///
    /// `O(sets n log n)` for a sample of `n` states.
    pub(super) fn grow(sample: Vec<Values>, most: usize) -> Self {
        let variation = std::array::from_fn(|observable| variation(&sample, observable));
        let best = best_split(&sample, &variation);
        let mut leaves = vec![(sample, best)];
        let mut splits = Vec::new();
        while leaves.len() < most {
            let candidates = leaves.iter().enumerate().filter_map(|(set, (_, best))| Some((set, (*best)?)));
            let most_share = candidates.max_by(|a, b| a.1.share.total_cmp(&b.1.share));
            let Some((set, Best { observable, threshold, .. })) = most_share else { break };
            let (above, below) =
                leaves[set].0.iter().partition(|values: &&Values| values[observable] > threshold);
            let grown = |sample: Vec<Values>| (best_split(&sample, &variation), sample);
            let [(best_below, below), (best_above, above)] = [below, above].map(grown);
            leaves[set] = (below, best_below);
            leaves.push((above, best_above));
            splits.push(Split { set: set as u32, observable, threshold });
        }
        Self { splits }
    }

    /// Number of sets.
    pub(super) fn sets(&self) -> usize {
        self.splits.len() + 1
    }

    /// The set of a state with these values.
    pub(super) fn set_of(&self, values: &[f64]) -> u32 {
        (1..).zip(&self.splits).fold(0, |set, (new, split)| {
            if set == split.set && values[split.observable] > split.threshold { new } else { set }
        })
    }
}

/// The sum of squared deviations of an observable from its mean.
fn variation(sample: &[Values], observable: usize) -> f64 {
    let mean = sample.iter().map(|values| values[observable]).sum::<f64>() / sample.len() as f64;
    sample.iter().map(|values| (values[observable] - mean).powi(2)).sum()
}

/// The split that explains the largest share of the variation of an observable, if it is large enough.
fn best_split(sample: &[Values], variation: &Values) -> Option<Best> {
    let of = |observable| best_split_by(sample, observable, variation[observable]);
    let best = (0..OBSERVABLES).filter_map(of).max_by(|a, b| a.share.total_cmp(&b.share));
    best.filter(|best| best.share >= LEAST_SHARE)
}

fn best_split_by(sample: &[Values], observable: usize, variation: f64) -> Option<Best> {
    let mut values: Vec<f64> = sample.iter().map(|values| values[observable]).collect();
    values.sort_unstable_by(f64::total_cmp);
    // Seen from the least, so that little is lost where all are about the same.
    let least = *values.first()?;
    let (count, total) = (values.len() as f64, values.iter().map(|value| value - least).sum::<f64>());
    let mut below = 0.0;
    let splits = values.windows(2).enumerate().filter_map(|(at, pair)| {
        below += pair[0] - least;
        let (few, rest) = (at as f64 + 1.0, count - (at as f64 + 1.0));
        let between = few * rest / count * (below / few - (total - below) / rest).powi(2);
        let middle = pair[0].midpoint(pair[1]);
        // Between neighbours there may be nothing.
        let threshold = if middle < pair[1] { middle } else { pair[0] };
        (pair[0] < pair[1]).then_some(Best { share: between / variation, observable, threshold })
    });
    splits.max_by(|a, b| a.share.total_cmp(&b.share))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values near the corners of a square, spread by `spread`, and the numbers of their corners.
    fn corners(spread: f64) -> (Vec<Values>, Vec<usize>) {
        let corner = |i: usize| i * 7 % 4;
        let value = |i: usize| {
            let noise = |salt: usize| spread * ((i * 31 + salt * 17) % 97) as f64 / 97.0;
            let (x, y) = (corner(i) % 2, corner(i) / 2);
            [x as f64 + noise(1), y as f64 + noise(2), noise(3), 0.5]
        };
        ((0..400).map(value).collect(), (0..400).map(corner).collect())
    }

    #[test]
    fn sets_that_differ_are_told_apart_and_no_more() {
        // The third observable is all noise: it says as much in every set as anywhere.
        let (mut sample, corner_of) = corners(0.01);
        sample.iter_mut().for_each(|values| values[2] = 0.5);
        let tree = PartitionTree::grow(sample.clone(), 64);
        assert_eq!(tree.sets(), 4);
        let mut seen = [None; 4];
        for (values, corner) in sample.iter().zip(corner_of) {
            let set = tree.set_of(values);
            assert_eq!(*seen[corner].get_or_insert(set), set);
        }
        let mut sets: Vec<_> = seen.into_iter().flatten().collect();
        sets.sort_unstable();
        assert_eq!(sets, [0, 1, 2, 3]);
    }

    #[test]
    fn no_more_sets_than_asked_for_and_one_where_all_are_alike() {
        let (sample, _) = corners(0.3);
        assert_eq!(PartitionTree::grow(sample, 3).sets(), 3);
        assert_eq!(PartitionTree::grow(vec![[1.0; OBSERVABLES]; 9], 3).sets(), 1);
        assert_eq!(PartitionTree::grow(Vec::new(), 3).sets(), 1);
        assert_eq!(PartitionTree::grow(vec![[f64::NAN; OBSERVABLES]; 9], 3).sets(), 1);
    }
}
