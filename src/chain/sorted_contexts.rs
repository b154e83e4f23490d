//! Where a context stands among sorted ones.

/// Sorted contexts as base-V numbers, with an index by their oldest token.
pub(crate) struct SortedContexts<'a> {
    keys: &'a [u128],
    /// `V^(K-1)`: how many contexts could begin with the same token.
    suffixes: u128,
    /// Where the contexts with each oldest token start, and the last ones end.
    starts: Vec<usize>,
}

impl<'a> SortedContexts<'a> {
    /// `O(V log N)` at most, and 8 bytes a token.
    pub(crate) fn new(keys: &'a [u128], vocabulary_size: usize, suffixes: u128) -> Self {
        let mut start = 0;
        let starts = (0..=vocabulary_size as u128).map(|token| {
            start = sought_from(keys, start, token * suffixes).unwrap_or_else(|place| place);
            start
        });
        Self { keys, suffixes, starts: starts.collect() }
    }

    /// The place of a context, or the place where it would be, sought from a guess
    /// on if that is not behind it, and else from the first with its oldest token.
    pub(crate) fn find(&self, guess: usize, key: u128) -> Result<usize, usize> {
        let token = (key / self.suffixes) as usize;
        let (start, end) = (self.starts[token], self.starts[token + 1]);
        let is_before = (start..end).contains(&guess) && self.keys[guess] <= key;
        sought_from(&self.keys[..end], if is_before { guess } else { start }, key)
    }
}

/// The place of a key that is not before `low` among sorted ones, or the place where it
/// would be, by steps that double: `O(log d)` for a key that stands `d` behind it.
fn sought_from(keys: &[u128], mut low: usize, key: u128) -> Result<usize, usize> {
    let mut step = 1;
    while keys.get(low + step).is_some_and(|&next| next <= key) {
        low += step;
        step *= 2;
    }
    let found = keys[low..keys.len().min(low + step)].binary_search(&key);
    found.map(|place| low + place).map_err(|place| low + place)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn contexts_are_found_from_any_guess(
            keys in prop::collection::btree_set(0..64u128, 0..40),
            guess in 0..50usize,
            key in 0..64u128,
        ) {
            let keys: Vec<u128> = keys.into_iter().collect();
            let contexts = SortedContexts::new(&keys, 4, 16);
            prop_assert_eq!(contexts.find(guess, key), keys.binary_search(&key));
        }
    }
}
