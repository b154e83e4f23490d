//! Strings of tokens, and the automaton that finds them.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use crate::error::{Error, Result};
use crate::solve::{MEMORY_LIMIT, check_memory};
use crate::text::Token;

/// Strings of tokens that are looked for, as one automaton: the bad strings.
///
/// The automaton of Aho and Corasick, *Efficient string matching: an aid to
/// bibliographic search* (Communications of the ACM 18, 1975, sections 2-3, 6),
/// with its complete transition function. Its **nodes** are the different prefixes of the
/// strings; after any text it stands in the longest one that the text ends with,
/// so that every string that ends there is known. Node 0 is the empty prefix.
///
/// The table has one row a node and one column for each token that occurs in the
/// strings, and one for all others together: `4 (M + 1) (D + 1)` bytes for M tokens in
/// all strings, D of them different, and 4 a token of the vocabulary.
///
/// # Example
///
/// ```
/// use lmchain::passage::Patterns;
///
/// let patterns = Patterns::new(3, [&[0, 1, 0][..], &[1, 0]])?;
/// let node = patterns.read(0, &[2, 0, 1, 0]);
/// assert_eq!(patterns.prefix(node), [0, 1, 0]);
/// assert_eq!(patterns.ending_at(node).collect::<Vec<_>>(), [0, 1]); // the longest first
/// assert_eq!(patterns.prefix(patterns.next(node, 1)), [0, 1]); // the last 0 starts the next
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patterns {
    strings: Vec<Vec<Token>>,
    /// The column that each token of the vocabulary has in the table; column 0
    /// is that of every token in no string.
    columns: Vec<u32>,
    width: usize,
    /// The node after each node and column.
    table: Vec<u32>,
    nodes: Vec<Node>,
}

/// A prefix of a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Node {
    /// A string that it is a prefix of, and its length.
    string: u32,
    length: u32,
    /// The string that it is all of.
    ends: Option<u32>,
    /// Its longest proper suffix that is a string, or the empty prefix.
    shorter: u32,
}

impl Patterns {
    /// The strings to look for, over the tokens `0..vocabulary_size`.
    ///
    /// # Errors
    ///
    /// [`Error::MustBePositive`] if there are none, [`Error::EmptyPattern`] for
    /// one without tokens, [`Error::DuplicatePattern`] for two that are equal,
    /// [`Error::TokenOutOfRange`], and [`Error::TooLarge`] for a table beyond 8 GiB.
    pub fn new<S: AsRef<[Token]>>(
        vocabulary_size: usize,
        strings: impl IntoIterator<Item = S>,
    ) -> Result<Self> {
        let strings: Vec<Vec<Token>> = strings.into_iter().map(|string| string.as_ref().to_vec()).collect();
        check(vocabulary_size, &strings)?;
        let (columns, width) = number_columns(vocabulary_size, &strings);
        let most = strings.iter().map(Vec::len).sum::<usize>() + 1;
        let needed = most as u128 * (width * size_of::<u32>() + size_of::<Node>()) as u128;
        check_memory("the automaton of the patterns", needed, MEMORY_LIMIT)?;
        let root = Node { string: 0, length: 0, ends: None, shorter: 0 };
        let mut patterns = Self { strings, columns, width, table: vec![0; width], nodes: vec![root] };
        (0..patterns.len()).for_each(|string| patterns.insert(string));
        patterns.complete();
        Ok(patterns)
    }

    /// Adds the prefixes of a string to the tree.
    fn insert(&mut self, string: usize) {
        let mut node = 0;
        for length in 1..=self.strings[string].len() {
            let place = self.place(node, self.strings[string][length - 1]);
            if self.table[place] == 0 {
                self.table[place] = self.nodes.len() as u32;
                self.table.resize(self.table.len() + self.width, 0);
                self.nodes.push(Node {
                    string: string as u32,
                    length: length as u32,
                    ends: None,
                    shorter: 0,
                });
            }
            node = self.table[place] as usize;
        }
        self.nodes[node].ends = Some(string as u32);
    }

    /// Fills in where a node leads by tokens that do not lengthen it: where its
    /// longest proper suffix among the nodes does. Shorter nodes first.
    fn complete(&mut self) {
        // Nodes with their longest proper suffixes; the root's own row is complete.
        let mut queue: VecDeque<(usize, usize)> = self.children(0).map(|child| (child, 0)).collect();
        while let Some((node, suffix)) = queue.pop_front() {
            let ends = self.nodes[suffix].ends.is_some();
            self.nodes[node].shorter = if ends { suffix as u32 } else { self.nodes[suffix].shorter };
            for column in 0..self.width {
                let after_suffix = self.table[suffix * self.width + column];
                let place = node * self.width + column;
                match self.table[place] {
                    0 => self.table[place] = after_suffix,
                    child => queue.push_back((child as usize, after_suffix as usize)),
                }
            }
        }
    }

    fn children(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        let row = &self.table[node * self.width..(node + 1) * self.width];
        row.iter().filter(|&&child| child != 0).map(|&child| child as usize)
    }

    fn place(&self, node: usize, token: Token) -> usize {
        node * self.width + self.columns[token as usize] as usize
    }

    /// Number of strings.
    #[allow(clippy::len_without_is_empty, reason = "there is at least one string")]
    pub fn len(&self) -> usize {
        self.strings.len()
    }

    /// The strings, in the order given.
    pub fn strings(&self) -> &[Vec<Token>] {
        &self.strings
    }

    /// Vocabulary size V.
    pub fn vocabulary_size(&self) -> usize {
        self.columns.len()
    }

    /// Tokens of the longest string.
    pub fn longest(&self) -> usize {
        self.nodes.iter().map(|node| node.length as usize).max().unwrap_or(0)
    }

    /// Number of nodes: of different prefixes, the empty one included.
    pub fn nodes(&self) -> usize {
        self.nodes.len()
    }

    /// The prefix that a node stands for: the longest of all prefixes of the
    /// strings that the text read so far ends with.
    ///
    /// # Panics
    ///
    /// If there is no such node, or token; so do the methods below.
    #[track_caller]
    pub fn prefix(&self, node: usize) -> &[Token] {
        let Node { string, length, .. } = self.nodes[node];
        &self.strings[string as usize][..length as usize]
    }

    /// The node after one more token.
    #[track_caller]
    pub fn next(&self, node: usize, token: Token) -> usize {
        self.table[self.place(node, token)] as usize
    }

    /// The node after more tokens, oldest first.
    #[track_caller]
    pub fn read(&self, node: usize, tokens: &[Token]) -> usize {
        tokens.iter().fold(node, |node, &token| self.next(node, token))
    }

    /// The strings that end where the automaton has come to a node, by their
    /// numbers, the longest first.
    #[track_caller]
    pub fn ending_at(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        let chain = std::iter::successors(Some(self.nodes[node]), |node| {
            (node.shorter != 0).then(|| self.nodes[node.shorter as usize])
        });
        chain.filter_map(|node| node.ends.map(|string| string as usize))
    }

    /// The string that comes first where several end at once: the shortest. Each
    /// of the others ends with it, so that it adds nothing to a race.
    #[track_caller]
    pub fn winner_at(&self, node: usize) -> Option<usize> {
        self.ending_at(node).last()
    }

    /// The different prefixes of `length` tokens of the strings that are as long.
    pub(super) fn prefixes(&self, length: usize) -> Result<Self> {
        let of_length =
            (0..self.nodes()).map(|node| self.prefix(node)).filter(|prefix| prefix.len() == length);
        Self::new(self.vocabulary_size(), of_length)
    }

    /// Number of columns of the table.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// The column of a token.
    pub(super) fn column(&self, token: Token) -> u32 {
        self.columns[token as usize]
    }

    /// The node after one more token, by its column.
    pub(super) fn next_by_column(&self, node: usize, column: u32) -> usize {
        self.table[node * self.width + column as usize] as usize
    }

    /// Refuses tokens outside the vocabulary.
    pub(super) fn check_tokens(&self, tokens: &[Token]) -> Result<()> {
        check_tokens(self.vocabulary_size(), tokens)
    }
}

fn check_tokens(vocabulary_size: usize, tokens: &[Token]) -> Result<()> {
    match tokens.iter().find(|&&token| token as usize >= vocabulary_size) {
        Some(&token) => Err(Error::TokenOutOfRange { token, vocabulary_size }),
        None => Ok(()),
    }
}

/// Refuses no strings, and strings that are empty, outside the vocabulary or given twice.
fn check(vocabulary_size: usize, strings: &[Vec<Token>]) -> Result<()> {
    if strings.is_empty() {
        return Err(Error::MustBePositive { what: "number of patterns" });
    }
    let mut seen = FxHashMap::default();
    for (second, string) in strings.iter().enumerate() {
        if string.is_empty() {
            return Err(Error::EmptyPattern { pattern: second });
        }
        check_tokens(vocabulary_size, string)?;
        if let Some(first) = seen.insert(string, second) {
            return Err(Error::DuplicatePattern { first, second });
        }
    }
    Ok(())
}

/// The column of each token, by first occurrence from 1, and how many there are.
fn number_columns(vocabulary_size: usize, strings: &[Vec<Token>]) -> (Vec<u32>, usize) {
    let mut columns = vec![0; vocabulary_size];
    let mut width = 1;
    for &token in strings.iter().flatten() {
        let column = &mut columns[token as usize];
        if *column == 0 {
            *column = width;
            width += 1;
        }
    }
    (columns, width as usize)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn strings() -> impl Strategy<Value = Vec<Vec<Token>>> {
        let string = prop::collection::vec(0u32..3, 1..6);
        prop::collection::hash_set(string, 1..5).prop_map(|set| set.into_iter().collect())
    }

    proptest! {
        #[test]
        fn the_node_is_the_longest_prefix_that_the_text_ends_with(
            strings in strings(),
            text in prop::collection::vec(0u32..4, 0..30),
        ) {
            let patterns = Patterns::new(4, &strings).unwrap();
            let mut node = 0;
            for end in 0..=text.len() {
                if end > 0 {
                    node = patterns.next(node, text[end - 1]);
                }
                let read = &text[..end];
                let prefixes = strings.iter().flat_map(|s| (0..=s.len()).map(move |length| &s[..length]));
                let longest = prefixes.filter(|prefix| read.ends_with(prefix)).max_by_key(|prefix| prefix.len());
                prop_assert_eq!(Some(patterns.prefix(node)), longest);
                let mut ending: Vec<usize> = (0..strings.len()).filter(|&i| read.ends_with(&strings[i])).collect();
                ending.sort_by_key(|&i| std::cmp::Reverse(strings[i].len()));
                prop_assert_eq!(patterns.winner_at(node), ending.last().copied());
                prop_assert_eq!(patterns.ending_at(node).collect::<Vec<_>>(), ending);
            }
            prop_assert_eq!(patterns.read(0, &text), node);
        }
    }

    #[test]
    fn patterns_that_cannot_be_looked_for_are_refused() {
        let new = |strings: &[&[Token]]| Patterns::new(3, strings);
        assert!(matches!(new(&[]), Err(Error::MustBePositive { what: "number of patterns" })));
        assert!(matches!(new(&[&[1], &[]]), Err(Error::EmptyPattern { pattern: 1 })));
        assert!(matches!(new(&[&[1, 3]]), Err(Error::TokenOutOfRange { token: 3, vocabulary_size: 3 })));
        assert!(matches!(new(&[&[1], &[2], &[1]]), Err(Error::DuplicatePattern { first: 0, second: 2 })));
    }

    #[test]
    fn an_automaton_that_does_not_fit_is_refused_before_it_is_built() {
        // 50,000 different tokens: a table of 50,001 rows and columns, 10 GB.
        let long: Vec<Token> = (0..50_000).collect();
        assert!(matches!(Patterns::new(50_000, [long]), Err(Error::TooLarge { .. })));
    }
}
