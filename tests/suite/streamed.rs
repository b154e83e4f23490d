//! Tables that are not in memory give what tables in memory give, or say why not.

use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use lmchain::chain::{MarkovChain, ModelRows, RecomputedChain, Start, States, StoredChain};
use lmchain::error::{Error, TableFileProblem};
use lmchain::model::{LanguageModel, TableModel};
use lmchain::operator::{
    FunctionRows, LikelyStep, RowSource, ShiftOperator, StreamedOperator, TableFile, TransitionOperator,
    predecessors, successors,
};
use lmchain::prob::{stream, total_variation};
use lmchain::solve::Progress;
use lmchain::text::{ContextSpace, Token, Vocab};

use crate::support::chains::ChainSpec;

/// Everything that an operator can be asked, as bits.
fn answers<O: TransitionOperator>(operator: &O) -> Vec<u64> {
    let n = operator.states();
    let input: Vec<f64> = (0..n).map(|i| 1.0 / (i as f64 + 1.5)).collect();
    let mut found = Vec::new();
    let mut output = vec![0.0; n];
    operator.push_forward(&input, &mut output);
    found.append(&mut output.clone());
    operator.pull_back(&input, &mut output);
    found.append(&mut output.clone());
    operator.push_largest(&input, &mut output);
    found.append(&mut output.clone());
    operator.row_entropies(&mut output);
    found.append(&mut output);
    let mut steps = vec![LikelyStep::default(); n];
    operator.likely_steps(&mut steps);
    found.extend(steps.iter().flat_map(|step| [f64::from(step.to), step.probability, step.rest]));
    // Looking at predecessors takes a row each.
    let some = (0..n).step_by(n.div_ceil(2 + 1000 / operator.longest_sum()));
    for state in some.clone() {
        for met in successors(operator, state).chain(predecessors(operator, state)) {
            found.extend([met.state as f64, met.probability, operator.probability(state, met.state)]);
        }
    }
    let sampler = operator.sampler();
    let mut rng = stream(1, 0);
    found.extend(some.map(|state| sampler.step(state, &mut rng) as f64));
    let numbers = [operator.stored_entries(), operator.longest_sum(), operator.longest_row()];
    found.extend(numbers.map(|number| number as f64));
    found.push(f64::from(u8::from(operator.is_evidently_regular() && operator.is_evidently_shift())));
    operator.check_products().unwrap();
    found.iter().map(|value| value.to_bits()).collect()
}

fn on_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}

/// A table, some of whose entries are zero if it is large enough.
fn table(space: &ContextSpace) -> Vec<f64> {
    let v = space.vocabulary_size();
    let row = |context: usize| {
        let weight = move |token: usize| ((context * 31 + token * 7919) % 1009) as f64;
        let sum: f64 = (0..v).map(weight).sum();
        (0..v).map(move |token| if sum > 0.0 { weight(token) / sum } else { 1.0 / v as f64 })
    };
    (0..space.len()).flat_map(row).collect()
}

#[test]
fn a_table_in_a_file_gives_the_same_bits_as_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    for (v, k) in
        [(1, 3), (2, 1), (2, 12), (3, 4), (5, 3), (7, 2), (27, 2), (64, 2), (40, 1), (600, 1), (2100, 1)]
    {
        let space = ContextSpace::new(v, k).unwrap();
        let exact = ShiftOperator::new(space, table(&space)).unwrap();
        let rounded = exact.to_f32();
        let path = |what: &str| folder.path().join(format!("{v}-{k}-{what}"));
        TableFile::write(path("f64"), &exact).unwrap();
        TableFile::write(path("f32"), &rounded).unwrap();
        let (in_f64, in_f32) = (answers(&exact), answers(&rounded));
        let computed = FunctionRows::new(space, |first, rows: &mut [f64]| exact.rows(first, rows));
        let model = TableModel::new(v, k, table(&space)).unwrap();
        for threads in [1, 2, 8] {
            let what = format!("{v}^{k} on {threads} threads");
            on_threads(threads, || {
                let stored = StreamedOperator::new(TableFile::<f64>::open(path("f64")).unwrap()).unwrap();
                assert!(answers(&stored) == in_f64, "f64, {what}");
                let stored = StreamedOperator::new(TableFile::<f32>::open(path("f32")).unwrap()).unwrap();
                assert!(answers(&stored) == in_f32, "f32, {what}");
                let computed = StreamedOperator::new(&computed).unwrap();
                assert!(answers(&computed) == in_f64, "a function, {what}");
                let asked = StreamedOperator::new(ModelRows::new(&model).unwrap()).unwrap();
                assert!(answers(&asked) == in_f64, "a model, {what}");
            });
        }
    }
}

#[test]
fn a_table_of_many_tiles_gives_the_same_bits() {
    // 16 tiles of 256 KiB for every oldest token, which are worked on at once.
    let spec = ChainSpec::soft(16, 5);
    let space = ContextSpace::new(16, 5).unwrap();
    let exact = ShiftOperator::new(space, spec.table()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table");
    TableFile::write(&path, &exact.to_f32()).unwrap();
    let expected = answers(&exact.to_f32());
    for threads in [1, 2, 8] {
        on_threads(threads, || {
            let stored = StreamedOperator::new(TableFile::<f32>::open(&path).unwrap()).unwrap();
            assert!(answers(&stored) == expected, "{threads} threads");
        });
    }
}

#[test]
fn chains_are_solved_and_walked_without_a_table() {
    let space = ContextSpace::new(9, 3).unwrap();
    let names = Vocab::new((0..9).map(|token| format!("t{token}")).collect()).unwrap();
    let model = TableModel::new(9, 3, table(&space)).unwrap().with_vocab(names.clone()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table");
    let in_memory = MarkovChain::enumerated(&model).unwrap();
    let law = in_memory.stationary().unwrap().converged().unwrap();
    let start = Start::Law(&law);
    let walks = in_memory.walker().unwrap().ensemble(start, 5, 40, 3).unwrap();

    let recomputed = RecomputedChain::recomputed(&model).unwrap();
    let stored = StoredChain::<f64>::store(&model, &path).unwrap();
    assert_eq!(stored.states().vocab(), Some(&names));
    assert_eq!(recomputed.states().label(100), in_memory.states().label(100));
    // Sums of steps are added up in another order, each off by N units at most; there are two in a solve so short.
    let rounding = 4.0 * law.len() as f64 * f64::EPSILON;
    assert!(total_variation(&recomputed.stationary().unwrap().converged().unwrap(), &law) <= rounding);
    assert!(total_variation(&stored.stationary().unwrap().converged().unwrap(), &law) <= rounding);
    assert_eq!(stored.walker().unwrap().ensemble(start, 5, 40, 3).unwrap(), walks);
    assert_eq!(recomputed.walker().unwrap().ensemble(start, 5, 40, 3).unwrap(), walks);
    assert_eq!(stored.distance_curve(Start::State(0), &law, 9).unwrap().len(), 10);

    let few = Vocab::new(vec!["a".into(), "b".into()]).unwrap();
    let refused = StoredChain::<f64>::stored(&path, Some(few));
    assert!(matches!(refused, Err(Error::LengthMismatch { expected: 9, found: 2 })));
}

/// A file with a small table, and what opening it says.
fn small_file(path: &Path) {
    let operator =
        ShiftOperator::new(ContextSpace::new(3, 2).unwrap(), table(&ContextSpace::new(3, 2).unwrap()));
    TableFile::write(path, &operator.unwrap()).unwrap();
}

fn problem(path: &Path) -> TableFileProblem {
    match TableFile::<f64>::open(path) {
        Err(Error::TableFile { problem, .. }) => problem,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was opened"),
    }
}

#[test]
fn hostile_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table");
    small_file(&path);
    let whole = fs::read(&path).unwrap();
    assert_eq!(whole.len(), 64 + 27 * 8);
    assert!(matches!(TableFile::<f64>::open(folder.path().join("none")), Err(Error::Io { .. })));
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let expected = length < 64;
        assert_eq!(problem(&path) == TableFileProblem::NotATable, expected, "{length} bytes");
    }
    fs::write(&path, [&whole[..], b"!"].concat()).unwrap();
    assert!(matches!(problem(&path), TableFileProblem::Length { expected: 280, found: 281 }));
    for bit in 0..8 * whole.len() {
        let mut other = whole.clone();
        other[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, other).unwrap();
        problem(&path);
    }
    fs::write(&path, &whole).unwrap();
    let other = TableFile::<f32>::open(&path).err().unwrap();
    let Error::TableFile { problem: TableFileProblem::Precision { expected: 4, found: 8 }, .. } = other
    else {
        panic!("{other}");
    };
}

/// A header whose checksums are right, with sizes that are not.
fn forged(entry_bytes: u32, v: u64, k: u64) -> Vec<u8> {
    let mut bytes = b"lmchain\0".to_vec();
    bytes.extend(1u32.to_le_bytes());
    bytes.extend(entry_bytes.to_le_bytes());
    bytes.extend(v.to_le_bytes());
    bytes.extend(k.to_le_bytes());
    bytes.resize(60, 0);
    let mut crc = flate2::Crc::new();
    crc.update(&bytes);
    bytes.extend(crc.sum().to_le_bytes());
    bytes
}

#[test]
fn forged_headers_are_refused_before_anything_is_allocated() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table");
    let open = |bytes: Vec<u8>| {
        fs::write(&path, bytes).unwrap();
        TableFile::<f64>::open(&path).err().unwrap()
    };
    assert!(matches!(open(forged(8, 0, 2)), Error::MustBePositive { .. }));
    assert!(matches!(open(forged(8, 2, 0)), Error::MustBePositive { .. }));
    assert!(matches!(open(forged(8, 10, u64::MAX)), Error::ContextSpaceTooLarge { .. }));
    assert!(matches!(open(forged(8, u64::MAX, 1)), Error::ContextSpaceTooLarge { .. }));
    assert!(matches!(open(forged(8, 1 << 20, 3)), Error::TooLarge { .. }));
    let large = open(forged(8, u64::from(u32::MAX) - 1, 1));
    assert!(matches!(large, Error::TableFile { problem: TableFileProblem::Length { .. }, .. }), "{large}");
    let odd = open(forged(5, 2, 2));
    assert!(matches!(odd, Error::TableFile { problem: TableFileProblem::Precision { found: 5, .. }, .. }));
}

#[test]
fn rows_that_are_no_laws_are_refused() {
    let space = ContextSpace::new(3, 2).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table");
    let with = |place: usize, value: f64| {
        let mut table = table(&space);
        table[place] = value;
        let rows = FunctionRows::new(space, move |first, rows: &mut [f64]| {
            rows.copy_from_slice(&table[3 * first..][..rows.len()]);
            Ok(())
        });
        TableFile::write(&path, &rows).unwrap();
        (
            StreamedOperator::new(TableFile::<f64>::open(&path).unwrap()).err(),
            StreamedOperator::new(rows).err(),
        )
    };
    for value in [f64::NAN, f64::INFINITY, -1e-300] {
        let (stored, computed) = with(7, value);
        assert!(matches!(stored, Some(Error::InvalidEntry { row: 2, column: 1, .. })));
        assert!(matches!(computed, Some(Error::InvalidEntry { row: 2, column: 1, .. })));
    }
    let (stored, computed) = with(13, 0.9);
    assert!(matches!(stored, Some(Error::RowSum { row: 4, .. })));
    assert!(matches!(computed, Some(Error::RowSum { row: 4, .. })));
}

#[test]
fn a_file_that_ends_while_it_is_used_is_an_error_and_not_a_number() {
    let spec = ChainSpec::soft(27, 3);
    let space = ContextSpace::new(27, 3).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table");
    TableFile::write(&path, &ShiftOperator::new(space, spec.table()).unwrap()).unwrap();
    let operator = StreamedOperator::new(TableFile::<f64>::open(&path).unwrap()).unwrap();
    let chain = MarkovChain::new(operator, States::contexts(space, None));
    let length = fs::metadata(&path).unwrap().len();
    // After two iterations the file loses its end.
    let mut cut = |progress: &Progress| {
        if progress.done == 2 {
            OpenOptions::new().write(true).open(&path).unwrap().set_len(length - 1).unwrap();
        }
        ControlFlow::Continue(())
    };
    let solver = lmchain::stationary::StationarySolver::new();
    let failed = solver.solve_watched(&chain, &mut cut).err().unwrap();
    let Error::Product { source } = &failed else { panic!("{failed}") };
    assert!(matches!(**source, Error::Io { .. }));
    assert!(failed.to_string().contains("table"), "{failed}");
    // It stays an error, and numbers are none, even if the file comes back.
    OpenOptions::new().write(true).open(&path).unwrap().set_len(length).unwrap();
    assert!(matches!(chain.stationary(), Err(Error::Product { .. })));
    let mut next = vec![0.0; chain.len()];
    chain.operator().push_forward(&vec![1.0; chain.len()], &mut next);
    assert!(next.iter().all(|p| p.is_nan()));
    chain.operator().pull_back(&vec![1.0; chain.len()], &mut next);
    assert!(next.iter().all(|p| p.is_nan()));
    let walked = chain.walker().unwrap().ensemble(Start::State(0), 2, 2, 1);
    assert!(matches!(walked, Err(Error::Product { .. })));
}

/// A model that gives laws a number of times only.
struct Tired {
    model: TableModel,
    left: AtomicUsize,
}

impl LanguageModel for Tired {
    fn vocabulary_size(&self) -> usize {
        self.model.vocabulary_size()
    }
    fn context_length(&self) -> usize {
        self.model.context_length()
    }
    fn next_token_law(&self, context: &[Token], law: &mut [f64]) -> lmchain::Result<()> {
        let left = self.left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1));
        left.map_err(|_| Error::UnseenContext { context: context.to_vec() })?;
        self.model.next_token_law(context, law)
    }
}

#[test]
fn a_model_that_fails_in_the_middle_is_an_error() {
    let space = ContextSpace::new(6, 4).unwrap();
    let model = TableModel::new(6, 4, table(&space)).unwrap();
    // Each product asks for every context once, and so does the first look.
    for (asked, built) in [(space.len() - 1, false), (3 * space.len() + 7, true)] {
        let tired = Tired { model: model.clone(), left: AtomicUsize::new(asked) };
        match RecomputedChain::recomputed(&tired) {
            Err(Error::UnseenContext { .. }) => assert!(!built),
            Err(other) => panic!("{other}"),
            Ok(chain) => {
                assert!(built);
                let failed = chain.stationary().err().unwrap();
                let Error::Product { source } = failed else { panic!("{failed}") };
                assert!(matches!(*source, Error::UnseenContext { .. }));
            }
        }
    }
}

#[test]
fn a_table_that_cannot_be_written_leaves_nothing_behind() {
    let space = ContextSpace::new(6, 4).unwrap();
    let model = TableModel::new(6, 4, table(&space)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table");
    let tired = Tired { model: model.clone(), left: AtomicUsize::new(100) };
    assert!(matches!(StoredChain::<f32>::store(&tired, &path), Err(Error::UnseenContext { .. })));
    let mut stop = |_: &Progress| ControlFlow::Break(());
    let stopped = StoredChain::<f64>::store_watched(&model, &path, &mut stop);
    assert!(matches!(stopped, Err(Error::Cancelled { .. })));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    let nowhere = StoredChain::<f64>::store(&model, folder.path().join("no/such/folder"));
    assert!(matches!(nowhere, Err(Error::Io { .. })));
}

#[test]
fn progress_is_told_while_files_are_written_and_checked() {
    let model = TableModel::new(6, 4, table(&ContextSpace::new(6, 4).unwrap())).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut stages = Vec::new();
    let mut watch = |progress: &Progress| {
        if progress.total == Some(progress.done) {
            stages.push(progress.stage);
        }
        ControlFlow::Continue(())
    };
    StoredChain::<f64>::store_watched(&model, folder.path().join("table"), &mut watch).unwrap();
    assert_eq!(stages, ["writing the table", "checking the table", "checking the rows"]);
}

#[test]
fn a_damaged_entry_is_told_from_a_damaged_header() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table");
    for (place, is_header) in [(20, true), (64, false), (279, false)] {
        small_file(&path);
        let mut file = OpenOptions::new().write(true).open(&path).unwrap();
        file.seek(SeekFrom::Start(place)).unwrap();
        file.write_all(&[0xEE]).unwrap();
        match problem(&path) {
            TableFileProblem::DamagedHeader => assert!(is_header),
            TableFileProblem::Damaged { expected, found } => assert!(!is_header && expected != found),
            other => panic!("{other}"),
        }
    }
}
