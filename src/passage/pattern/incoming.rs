//! The automaton's transitions by where they lead.

use std::ops::Range;

use super::Patterns;

/// The nodes that lead to each node, column by column.
///
/// Every node but the empty prefix is entered by one token only, its last.
#[derive(Debug, Clone)]
pub(super) struct Incoming {
    /// Nodes, grouped by where they lead: each occurs once a column.
    sources: Vec<u32>,
    /// The column that each node is entered by, and its group; not used for node 0.
    entered_by: Vec<(u32, Range<usize>)>,
    /// The group that leads to node 0, by column.
    to_root: Vec<Range<usize>>,
}

impl Incoming {
    pub(super) fn new(patterns: &Patterns) -> Self {
        let (nodes, width) = (patterns.nodes(), patterns.width());
        let mut incoming = Self {
            sources: Vec::with_capacity(nodes * width),
            entered_by: vec![(0, 0..0); nodes],
            to_root: Vec::with_capacity(width),
        };
        let mut order: Vec<u32> = (0..nodes as u32).collect();
        for column in 0..width as u32 {
            let target = |node: u32| patterns.next_by_column(node as usize, column);
            order.sort_by_key(|&node| (target(node), node));
            incoming.to_root.push(incoming.sources.len()..incoming.sources.len());
            for group in order.chunk_by(|&one, &other| target(one) == target(other)) {
                let range = incoming.sources.len()..incoming.sources.len() + group.len();
                match target(group[0]) {
                    0 => incoming.to_root[column as usize] = range,
                    node => incoming.entered_by[node] = (column, range),
                }
                incoming.sources.extend(group);
            }
        }
        incoming
    }

    /// The nodes that lead to a node by a token of a column, ascending.
    pub(super) fn sources(&self, node: usize, column: u32) -> &[u32] {
        let range = match &self.entered_by[node] {
            _ if node == 0 => self.to_root[column as usize].clone(),
            (entered_by, range) if *entered_by == column => range.clone(),
            _ => 0..0,
        };
        &self.sources[range]
    }

    /// The most nodes that lead to one node by the same token.
    pub(super) fn most_sources(&self) -> usize {
        let entered = self.entered_by.iter().map(|(_, range)| range.len());
        entered.chain(self.to_root.iter().map(Range::len)).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_transition_is_found_by_where_it_leads() {
        let patterns = Patterns::new(4, [&[0, 1, 0, 2][..], &[1, 1], &[2]]).unwrap();
        let incoming = Incoming::new(&patterns);
        let mut met = 0;
        for target in 0..patterns.nodes() {
            for column in 0..patterns.width() as u32 {
                let slow: Vec<u32> = (0..patterns.nodes() as u32)
                    .filter(|&node| patterns.next_by_column(node as usize, column) == target)
                    .collect();
                assert_eq!(incoming.sources(target, column), slow);
                assert!(slow.len() <= incoming.most_sources());
                met += slow.len();
            }
        }
        assert_eq!(met, patterns.nodes() * patterns.width());
    }
}
