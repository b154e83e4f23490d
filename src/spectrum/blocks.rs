//! The communicating classes of a chain as linear maps on observables.

use crate::chain::MarkovChain;
use crate::operator::{SparseMatrix, TransitionOperator, successors};
use crate::prob::{Law, dot};

/// A linear map on vectors.
pub(crate) trait Map {
    /// Length of a vector.
    fn len(&self) -> usize;

    /// Dimension of the space that the map lives on.
    fn size(&self) -> usize;

    /// Multiplications that one application takes.
    fn entries(&self) -> usize;

    /// The largest entry that rounding alone leaves of a vector whose largest is 1.
    fn rounding(&self) -> f64;

    /// Takes out of a vector what is not of that space.
    fn project(&self, vector: &mut [f64]);

    /// The image of a vector.
    fn apply(&mut self, vector: &[f64]) -> Vec<f64>;
}

/// `f -> P f - (pi f) 1` on the recurrent class: the operator with the
/// eigenvalue 1 taken out.
pub(crate) struct Deflated<'a, O> {
    operator: &'a O,
    stationary: &'a Law,
    recurrent: Vec<bool>,
}

impl<'a, O: TransitionOperator> Deflated<'a, O> {
    pub(crate) fn new(chain: &'a MarkovChain<O>, stationary: &'a Law) -> Self {
        let classes = chain.classes();
        let recurrent = (0..chain.len()).map(|state| classes.is_recurrent(classes.class_of(state))).collect();
        Self { operator: chain.operator(), stationary, recurrent }
    }
}

impl<O: TransitionOperator> Map for Deflated<'_, O> {
    fn len(&self) -> usize {
        self.recurrent.len()
    }

    fn size(&self) -> usize {
        self.recurrent.iter().filter(|recurrent| **recurrent).count()
    }

    fn entries(&self) -> usize {
        self.operator.stored_entries()
    }

    fn rounding(&self) -> f64 {
        4.0 * (self.operator.longest_sum() + 4) as f64 * f64::EPSILON
    }

    fn project(&self, vector: &mut [f64]) {
        vector
            .iter_mut()
            .zip(&self.recurrent)
            .filter(|(_, inside)| !**inside)
            .for_each(|(value, _)| *value = 0.0);
    }

    fn apply(&mut self, vector: &[f64]) -> Vec<f64> {
        let mut image = vec![0.0; vector.len()];
        self.operator.pull_back(vector, &mut image);
        let mean = dot(self.stationary, vector);
        image.iter_mut().for_each(|value| *value -= mean);
        self.project(&mut image);
        image
    }
}

/// The transitions within transient classes, all of them side by side.
pub(crate) struct TransientClasses {
    within: SparseMatrix,
    longest_sum: usize,
}

impl TransientClasses {
    /// `None` if no transient state is ever returned to: then all are nilpotent.
    pub(crate) fn new<O: TransitionOperator>(chain: &MarkovChain<O>) -> Option<Self> {
        let classes = chain.classes();
        let returning = |&state: &usize| classes.period(classes.class_of(state)) > 0;
        let states: Vec<usize> = classes.transient_states().filter(returning).collect();
        let (mut starts, mut columns, mut values) = (vec![0], Vec::new(), Vec::new());
        let mut longest_sum = 0;
        for &state in &states {
            for to in successors(chain.operator(), state) {
                if classes.class_of(to.state) == classes.class_of(state)
                    && let Ok(column) = states.binary_search(&to.state)
                {
                    columns.push((column as u32, to.probability));
                }
            }
            columns[starts[starts.len() - 1]..].sort_unstable_by_key(|&(column, _)| column);
            longest_sum = longest_sum.max(columns.len() - starts[starts.len() - 1]);
            starts.push(columns.len());
        }
        values.extend(columns.iter().map(|&(_, p)| p));
        let columns = columns.into_iter().map(|(column, _)| column).collect();
        let n = states.len();
        (n > 0).then(|| Self { within: SparseMatrix::new((n, n), starts, columns, values), longest_sum })
    }
}

impl Map for TransientClasses {
    fn len(&self) -> usize {
        self.within.rows()
    }

    fn size(&self) -> usize {
        self.within.rows()
    }

    fn entries(&self) -> usize {
        self.within.nnz()
    }

    fn rounding(&self) -> f64 {
        4.0 * (self.longest_sum + 4) as f64 * f64::EPSILON
    }

    fn project(&self, _: &mut [f64]) {}

    fn apply(&mut self, vector: &[f64]) -> Vec<f64> {
        let row =
            |row: sprs::CsVecViewI<'_, f64, u32>| row.iter().map(|(column, p)| p * vector[column]).sum();
        self.within.outer_iterator().map(row).collect()
    }
}
