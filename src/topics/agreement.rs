//! How far two partitions agree.

use super::Topics;

/// The adjusted Rand index of two partitions (Hubert and Arabie 1985), of states
/// weighted by a law: 1 for the same partition whatever its names, 0 on average
/// for partitions that have nothing to do with each other, below 0 for less.
///
/// Two states are drawn from the law, one after the other with replacement;
/// what counts is how often both partitions put them together. This is the
/// limit of the index of counts for ever larger counts. 1 if both
/// partitions have one topic only, or the law visits one state only.
///
/// # Panics
///
/// If the partitions or the weights are over different numbers of states.
#[track_caller]
pub fn adjusted_rand_index(one: &Topics, two: &Topics, law: &[f64]) -> f64 {
    assert_eq!(one.states(), law.len(), "a law over the states that have topics");
    index(&shared(one, two, law), |mass| mass * mass)
}

/// The adjusted Rand index of two partitions (Hubert and Arabie 1985) of things
/// that have been counted by state: of all pairs of two different things, how
/// often both partitions put them together. As [`adjusted_rand_index`] otherwise.
///
/// # Panics
///
/// If the partitions or the counts are over different numbers of states.
#[track_caller]
pub fn adjusted_rand_index_of_counts(one: &Topics, two: &Topics, counts: &[u64]) -> f64 {
    assert_eq!(one.states(), counts.len(), "a count for every state that has a topic");
    let weights: Vec<f64> = counts.iter().map(|&count| count as f64).collect();
    index(&shared(one, two, &weights), |count| 0.5 * count * (count - 1.0))
}

/// How much weight each topic of one partition shares with each of the other.
#[track_caller]
fn shared(one: &Topics, two: &Topics, weights: &[f64]) -> Vec<Vec<f64>> {
    assert_eq!(one.states(), two.states(), "two partitions of the same states");
    let mut shared = vec![vec![0.0; two.count()]; one.count()];
    for (state, weight) in weights.iter().enumerate() {
        shared[one.of_state(state)][two.of_state(state)] += weight;
    }
    shared
}

/// The index of a table, by the number of pairs in a cell of a given weight.
fn index(table: &[Vec<f64>], pairs: impl Fn(f64) -> f64) -> f64 {
    let rows: Vec<f64> = table.iter().map(|row| row.iter().sum()).collect();
    let columns = (0..table[0].len()).map(|column| table.iter().map(|row| row[column]).sum::<f64>());
    let in_rows: f64 = rows.iter().map(|&sum| pairs(sum)).sum();
    let in_columns: f64 = columns.map(&pairs).sum();
    let together: f64 = table.iter().flatten().map(|&cell| pairs(cell)).sum();
    let all = pairs(rows.iter().sum());
    let expected = in_rows * in_columns / all;
    let most = 0.5 * (in_rows + in_columns);
    // Both sides vanish if there is nothing to tell apart.
    if most - expected <= f64::EPSILON * most || all <= 0.0 {
        1.0
    } else {
        (together - expected) / (most - expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topics(of_state: &[usize]) -> Topics {
        Topics::from_indices(vec!["a".into(), "b".into(), "c".into()], of_state.iter().copied())
    }

    /// Over all pairs of things: a, b, c, d of the four kinds of agreement
    /// (Hubert and Arabie 1985, in the form of Steinley 2004).
    fn by_pairs(one: &[usize], two: &[usize]) -> f64 {
        let mut kinds = [[0.0; 2]; 2];
        for i in 0..one.len() {
            for j in i + 1..one.len() {
                kinds[usize::from(one[i] == one[j])][usize::from(two[i] == two[j])] += 1.0;
            }
        }
        let [[d, c], [b, a]] = kinds;
        2.0 * (a * d - b * c) / ((a + b) * (b + d) + (a + c) * (c + d))
    }

    #[test]
    fn counts_agree_with_a_look_at_every_pair() {
        let (one, two) = ([0, 0, 1, 1, 2, 2, 2, 0], [0, 1, 1, 1, 2, 2, 0, 0]);
        let found = adjusted_rand_index_of_counts(&topics(&one), &topics(&two), &[1; 8]);
        assert!((found - by_pairs(&one, &two)).abs() < 1e-14);
        // A thing counted twice is two things.
        let found = adjusted_rand_index_of_counts(&topics(&one), &topics(&two), &[2, 1, 1, 1, 1, 1, 1, 0]);
        let (one, two) = ([0, 0, 0, 1, 1, 2, 2, 2], [0, 0, 1, 1, 1, 2, 2, 0]);
        assert!((found - by_pairs(&one, &two)).abs() < 1e-14);
    }

    #[test]
    fn the_law_is_the_limit_of_counts_and_names_do_not_matter() {
        let (one, two) = (topics(&[0, 0, 1, 1, 2]), topics(&[1, 1, 2, 0, 0]));
        let (counts, law) = ([4, 1, 2, 2, 1], [0.4, 0.1, 0.2, 0.2, 0.1]);
        let many = counts.map(|count| count * 1_000_000_000);
        let limit = adjusted_rand_index_of_counts(&one, &two, &many);
        assert!((limit - adjusted_rand_index(&one, &two, &law)).abs() < 1e-8);
        let renamed = topics(&[2, 2, 0, 0, 1]);
        assert!((adjusted_rand_index(&one, &renamed, &law) - 1.0).abs() < 1e-14);
        assert_eq!(adjusted_rand_index(&topics(&[0; 5]), &topics(&[1; 5]), &law), 1.0);
    }

    #[test]
    fn independent_partitions_have_the_index_zero() {
        // Every combination equally often.
        let (one, two) = (topics(&[0, 0, 1, 1]), topics(&[0, 1, 0, 1]));
        assert!(adjusted_rand_index(&one, &two, &[0.25; 4]).abs() < 1e-15);
    }
}
