//! Reference cases, and the chains that they stand for.

pub(crate) mod corpora;
pub(crate) mod tables;
pub(crate) mod texts;

use lmchain::chain::{MarkovChain, States};
use lmchain::operator::{ShiftOperator, SparseOperator, TransitionOperator};
use lmchain::text::ContextSpace;
use serde_json::Value;

/// A reference case: contexts of `k` tokens over `v`, or a bare matrix with `v` states.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) v: usize,
    pub(crate) k: usize,
    /// Rows of `v` probabilities, one per context.
    pub(crate) p: Vec<Vec<f64>>,
    /// The rows of a model of it, if the case has one.
    pub(crate) q: Option<Vec<Vec<f64>>>,
    pub(crate) expected: Value,
    pub(crate) derived: Value,
    /// Largest difference from the numbers expected, as the case states it.
    pub(crate) tolerance: f64,
}

pub(crate) type AnyChain = MarkovChain<Box<dyn TransitionOperator>>;

impl Case {
    pub(crate) fn states(&self) -> usize {
        self.p.len()
    }

    /// The entries `(from, to, probability)`, zeros included.
    pub(crate) fn triplets(&self) -> Vec<(u32, u32, f64)> {
        let suffixes = self.states() / self.v;
        let entry = |c: usize, t: usize| ((c) as u32, ((c % suffixes) * self.v + t) as u32, self.p[c][t]);
        (0..self.states()).flat_map(|c| (0..self.v).map(move |t| (c, t))).map(|(c, t)| entry(c, t)).collect()
    }

    /// The transition matrix in full.
    pub(crate) fn dense(&self) -> ndarray::Array2<f64> {
        let mut dense = ndarray::Array2::zeros((self.states(), self.states()));
        for (from, to, p) in self.triplets() {
            dense[[from as usize, to as usize]] = p;
        }
        dense
    }

    pub(crate) fn shift(&self) -> MarkovChain<ShiftOperator> {
        let space = ContextSpace::new(self.v, self.k).unwrap();
        let operator = ShiftOperator::new(space, self.p.concat()).unwrap();
        MarkovChain::new(operator, States::contexts(space, None))
    }

    /// The chain through every operator that can hold it. Those that say what
    /// the contexts are come with `true`; the others know states only.
    pub(crate) fn chains(&self) -> Vec<(&'static str, bool, AnyChain)> {
        let space = *self.shift().operator().space();
        let contexts = || States::contexts(space, None);
        let sparse = || SparseOperator::from_triplets(self.states(), self.triplets()).unwrap();
        vec![
            ("shift", true, self.shift().boxed()),
            ("sparse", true, MarkovChain::new(sparse(), contexts()).boxed()),
            ("dense", false, MarkovChain::from_dense(self.dense().view()).unwrap().boxed()),
            ("sparse, bare", false, MarkovChain::new(sparse(), States::numbered(self.states())).boxed()),
        ]
    }
}

/// The reference cases over contexts that give a table `p`.
pub(crate) fn language_models() -> Vec<Case> {
    let file: Value = serde_json::from_str(include_str!("../../data/language_models.json")).unwrap();
    let cases = file["cases"].as_array().unwrap().iter();
    cases
        .filter(|case| case["p"].is_array())
        .map(|case| Case {
            name: case["id"].as_str().unwrap().to_owned(),
            v: case["V"].as_u64().unwrap() as usize,
            k: case["K"].as_u64().unwrap() as usize,
            p: matrix(&case["p"]),
            q: case.get("q").map(matrix),
            expected: case["expected"].clone(),
            derived: Value::Null,
            tolerance: 1e-10,
        })
        .collect()
}

pub(crate) fn language_model(id: &str) -> Case {
    language_models().into_iter().find(|case| case.name == id).unwrap()
}

/// The reference cases that are bare matrices.
pub(crate) fn matrices() -> Vec<Case> {
    let file: Value = serde_json::from_str(include_str!("../../data/matrices.json")).unwrap();
    let cases = file.as_array().unwrap().iter();
    cases
        .map(|case| Case {
            name: case["name"].as_str().unwrap().to_owned(),
            v: case["n"].as_u64().unwrap() as usize,
            k: 1,
            p: matrix(&case["P"]),
            q: None,
            expected: case["expect"].clone(),
            derived: case["derived"].clone(),
            tolerance: case["tol"].as_f64().unwrap(),
        })
        .collect()
}

pub(crate) fn matrix(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().unwrap().iter().map(numbers).collect()
}

pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

pub(crate) fn integers(value: &Value) -> Vec<usize> {
    value.as_array().unwrap().iter().map(|x| x.as_u64().unwrap() as usize).collect()
}

pub(crate) fn sets(value: &Value) -> Vec<Vec<usize>> {
    value.as_array().unwrap().iter().map(integers).collect()
}

#[track_caller]
pub(crate) fn assert_close(found: f64, expected: f64, tolerance: f64, what: &str) {
    let scale = expected.abs().max(1.0);
    assert!((found - expected).abs() <= tolerance * scale, "{what}: found {found}, expected {expected}");
}

#[track_caller]
pub(crate) fn assert_all_close(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}: lengths");
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        assert_close(*f, *e, tolerance, &format!("{what}[{i}]"));
    }
}
