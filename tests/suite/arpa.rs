//! The ARPA format: what is written is read back, and what is malformed is refused with its line.

use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use lmchain::Error;
use lmchain::error::ArpaFileProblem as Problem;
use lmchain::ngram::{
    ArpaModel, ArpaPrecision, ArpaSettings, BackoffTrie, read_arpa, read_arpa_from, read_arpa_from_watched,
    read_arpa_watched, write_arpa,
};
use lmchain::solve::Progress;
use lmchain::text::{Token, Vocab};
use proptest::prelude::*;

use crate::common::texts;

/// Lines 1 to 20; the second word comes after the first for certain.
const SMALL: &str = "\
\\data\\
ngram 1=4
ngram 2=3
ngram 3=1

\\1-grams:
-1\t<unk>
0\t<s>\t-0.5
-0.3\t</s>
-0.6\ta\t-0.25

\\2-grams:
-0.1\t<s> a\t-0.125
-0.2\ta </s>
-0.7\ta a\t0

\\3-grams:
-0.05\t<s> a </s>

\\end\\
";

fn read(text: &str) -> lmchain::Result<ArpaModel> {
    read_arpa_from(text.as_bytes())
}

/// The line and the problem of the small model with a part replaced.
#[track_caller]
fn refused(from: &str, to: &str) -> (usize, Problem) {
    assert!(SMALL.contains(from), "{from:?}");
    refused_text(&SMALL.replacen(from, to, 1))
}

#[track_caller]
fn refused_text(text: &str) -> (usize, Problem) {
    match read(text) {
        Err(Error::ArpaFile { path: None, line: Some(line), problem }) => (line, problem),
        other => panic!("{other:?}"),
    }
}

macro_rules! assert_refused {
    ($from:expr, $to:expr, $line:literal, $problem:pat) => {{
        let (line, problem) = refused($from, $to);
        assert!(matches!(problem, $problem), "{problem:?}");
        assert_eq!(line, $line, "{problem}");
    }};
}

#[test]
fn a_small_file_says_what_its_lines_say() {
    let ArpaModel { vocab, model } = read(SMALL).unwrap();
    assert_eq!(vocab.names(), ["<unk>", "<s>", "</s>", "a"]);
    assert_eq!(
        (model.order(), model.ngram_count(1), model.ngram_count(2), model.ngram_count(3)),
        (3, 4, 3, 1)
    );
    let close = |found: f64, log10: f64| assert!((found / 10f64.powf(log10) - 1.0).abs() < 1e-14);
    assert_eq!(model.probabilities(1)[1], 0.0);
    let state = model.state_after(&[1, 3]);
    let end = model.step(state, 2);
    assert_eq!(end.matched, 3);
    close(end.probability, -0.05);
    let again = model.step(state, 3);
    assert_eq!(again.matched, 2);
    close(again.probability, -0.125 - 0.7);
    let unknown = model.step(state, 0);
    assert_eq!(unknown.matched, 1);
    close(unknown.probability, -0.125 - 0.25 - 1.0);
}

#[test]
fn separators_line_ends_and_what_surrounds_the_model_do_not_matter() {
    let model = read(SMALL).unwrap();
    let variants = [
        SMALL.replace('\n', "\r\n"),
        SMALL.replace('\t', "  "),
        SMALL.replace('\t', " \t "),
        SMALL.replace('\n', " \t\n\n"),
        format!("made by hand\nngram 7=3\n\n{SMALL}\n\n"),
        SMALL.replace("ngram 1=4", "ngram  1=       4"),
        SMALL.trim_end().to_owned(),
        SMALL.replace("0\t<s>", "-99\t<s>"),
        SMALL.replace("a </s>\n", "a </s>\t-0\n"),
    ];
    for text in variants {
        assert_eq!(read(&text).unwrap(), model, "{text}");
    }
}

#[test]
fn numbers_at_the_edges_are_read() {
    let probability = |number: &str| read(&SMALL.replace("-0.6\ta", &format!("{number}\ta"))).unwrap();
    for (number, value) in [
        ("-99", 1e-99),
        ("-inf", 0.0),
        ("-1e400", 0.0),
        ("-400", 0.0),
        ("-0", 1.0),
        ("0", 1.0),
        ("-1e-400", 1.0),
        ("-3e0", 0.001),
    ] {
        let found = probability(number).model.probabilities(1)[3];
        assert!((found - value).abs() <= 1e-14 * value, "{number}: {found}");
    }
    let backoff = read(&SMALL.replace("-0.25", "-inf")).unwrap();
    assert_eq!(backoff.model.backoffs(1)[3], 0.0);
    let backoff = read(&SMALL.replace("-0.25", "2")).unwrap();
    assert_eq!(backoff.model.backoffs(1)[3], 100.0);
}

#[test]
fn the_start_of_a_sentence_is_never_generated() {
    let text = SMALL.replace("-0.2\ta </s>", "-0.2\ta <s>").replace("<s> a </s>", "<s> a <s>");
    let model = read(&text.replace("0\t<s>\t-0.5", "-1\t<s>\t-0.5")).unwrap().model;
    for context in [vec![], vec![3], vec![1, 3]] {
        assert_eq!(model.step(model.state_after(&context), 1).probability, 0.0);
    }
}

#[test]
fn the_unknown_word_may_be_in_capitals() {
    let capital = SMALL.replace("<unk>", "<UNK>").replace("-0.2\ta </s>", "-0.2\ta <UNK>");
    let capital = read(&capital.replace("<s> a </s>", "<s> a <UNK>")).unwrap();
    assert_eq!((capital.vocab.unknown(), capital.vocab.token("<UNK>")), (Some(0), None));
    assert_eq!(capital.model.trie().find(&[1, 3, 0]), Some(0));
    let twice = SMALL.replace("<unk>", "<UNK>").replace("\ta", "\t<UNK>");
    assert!(matches!(refused_text(&twice), (10, Problem::Duplicate { earlier: Some(7), .. })));
    let both = SMALL.replace("</s>", "<UNK>");
    let both = read(&both).unwrap();
    assert_eq!((both.vocab.unknown(), both.vocab.token("<UNK>")), (Some(0), Some(2)));
}

#[test]
fn words_are_whatever_stands_between_separators() {
    for word in ["1.5", "-2", "\\", "\\data\\", "ngram", "é", "日本", "a\u{a0}b", "\u{3000}", "x=y", "\u{b}"]
    {
        let read = read(
            &SMALL
                .replace('a', "WORD")
                .replace("dWORDtWORD", "data")
                .replace("grWORDm", "gram")
                .replace("WORD", word),
        )
        .unwrap();
        assert_eq!(read.vocab.name(3), word);
        let mut written = Vec::new();
        ArpaSettings::new().write_to(&mut written, &read.vocab, &read.model).unwrap();
        assert_eq!(read_arpa_from(&written[..]).unwrap().vocab, read.vocab);
    }
}

#[test]
fn levels_may_be_empty() {
    let text =
        "\\data\\\nngram 1=1\nngram 2=0\nngram 3=0\n\\1-grams:\n0 a\n\\2-grams:\n\\3-grams:\n\\end\\\n";
    let ArpaModel { vocab, model } = read(text).unwrap();
    assert_eq!((model.order(), model.ngram_count(2), model.ngram_count(3)), (3, 0, 0));
    let mut written = Vec::new();
    ArpaSettings::new().write_to(&mut written, &vocab, &model).unwrap();
    assert_eq!(read_arpa_from(&written[..]).unwrap().model, model);
}

#[test]
fn orders_up_to_a_limit_are_read() {
    for order in [1, 7, 32, 33] {
        let mut text = "\\data\\\n".to_owned();
        (1..=order).for_each(|n| text += &format!("ngram {n}=1\n"));
        (1..=order).for_each(|n| text += &format!("\\{n}-grams:\n-0.5{}\n", " a".repeat(n)));
        text += "\\end\\\n";
        if order <= 32 {
            assert_eq!(read(&text).unwrap().model.order(), order);
        } else {
            assert!(matches!(refused_text(&text), (34, Problem::OrderTooHigh { limit: 32 })));
        }
    }
}

#[test]
fn headers_that_do_not_hold_are_refused() {
    assert!(matches!(refused_text(""), (_, Problem::NoModel)));
    assert!(matches!(refused_text("no\nmodel\n"), (2, Problem::NoModel)));
    assert_refused!("\\data\\\n", "data\n", 20, Problem::NoModel);
    assert_refused!("ngram 1=4\nngram 2=3\nngram 3=1\n", "", 3, Problem::NoCounts);
    assert_refused!("ngram 1=4\n", "", 2, Problem::CountOrder { expected: 1, found: 2 });
    assert_refused!("ngram 2=3", "ngram 1=3", 3, Problem::CountOrder { expected: 2, found: 1 });
    assert_refused!("ngram 2=3", "ngram 2 3", 3, Problem::UnexpectedLine { .. });
    assert_refused!("ngram 2=3", "ngram 2=-3", 3, Problem::NotANumber { .. });
    assert_refused!("ngram 2=3", "ngram two=3", 3, Problem::NotANumber { .. });
    assert_refused!("ngram 2=3", "ngram 2=99999999999999999999", 3, Problem::NotANumber { .. });
    assert_refused!("ngram 2=3", "gram 2=3", 3, Problem::UnexpectedLine { .. });
    assert!(matches!(refused_text("\\data\\\nngram 1=0\n\\1-grams:\n\\end\\\n"), (4, Problem::NoWords)));
}

#[test]
fn counts_that_lie_are_refused_without_harm() {
    assert_refused!("1=4", "1=3", 10, Problem::ExtraNgrams { length: 1, announced: 3 });
    assert_refused!("1=4", "1=5", 12, Problem::TooFewNgrams { length: 1, announced: 5, found: 4 });
    assert_refused!("2=3", "2=2", 15, Problem::ExtraNgrams { length: 2, announced: 2 });
    assert_refused!("3=1", "3=0", 18, Problem::ExtraNgrams { length: 3, announced: 0 });
    for length in 1..=3 {
        let from = ["1=4", "2=3", "3=1"][length - 1];
        let (_, problem) = refused(from, &format!("{length}=1000000000000000000"));
        assert!(matches!(problem, Problem::TooFewNgrams { announced: 1_000_000_000_000_000_000, .. }));
    }
}

#[test]
fn sections_out_of_place_are_refused() {
    assert_refused!("\\2-grams:\n", "", 12, Problem::ExtraNgrams { length: 1, announced: 4 });
    assert_refused!("\\2-grams:", "\\3-grams:", 12, Problem::UnexpectedLine { .. });
    assert_refused!("\\3-grams:", "\\2-grams:", 17, Problem::UnexpectedLine { .. });
    assert_refused!("\\1-grams:", "\\2-grams:", 6, Problem::UnexpectedLine { .. });
    assert_refused!("\\2-grams:", "\\two-grams:", 12, Problem::UnexpectedLine { .. });
    assert_refused!("\\2-grams:", "\\end\\", 12, Problem::UnexpectedLine { .. });
    assert_refused!("\\end\\", "\\4-grams:", 20, Problem::UnexpectedLine { .. });
    assert_refused!("\\end\\", "\\end\\\nmore", 21, Problem::UnexpectedLine { .. });
    assert_refused!("\n\\end\\\n", "", 18, Problem::UnexpectedEnd { .. });
}

#[test]
fn a_file_cut_short_is_refused_wherever_it_ends() {
    let end = SMALL.trim_end().len();
    for length in 0..end {
        assert!(matches!(read(&SMALL[..length]), Err(Error::ArpaFile { .. })), "{length}");
    }
    let (line, Problem::UnexpectedEnd { what }) = refused_text(&SMALL[..SMALL.find("-0.7").unwrap()]) else {
        panic!("an end within a section is unexpected");
    };
    assert_eq!((line, what.as_str()), (14, "`\\3-grams:`"));
}

#[test]
fn ngrams_that_make_no_sense_are_refused() {
    assert_refused!("-0.2\ta </s>", "-0.2\ta", 14, Problem::FieldCount { length: 2, found: 2 });
    assert_refused!("-0.2\ta </s>", "-0.2\ta a a a", 14, Problem::FieldCount { length: 2, found: 5 });
    assert_refused!("-0.2\ta </s>", "-0.2\ta </s> a", 14, Problem::NotANumber { .. });
    assert_refused!("-0.2\ta </s>", "-0,2\ta </s>", 14, Problem::NotANumber { .. });
    assert_refused!("-0.2\ta </s>", "NaN\ta </s>", 14, Problem::NotANumber { .. });
    assert_refused!("-0.2\ta </s>", "0.2\ta </s>", 14, Problem::PositiveProbability { .. });
    assert_refused!("-0.2\ta </s>", "1e400\ta </s>", 14, Problem::PositiveProbability { .. });
    assert_refused!("-0.2\ta </s>", "-0.2\ta </s>\tnan", 14, Problem::NotANumber { .. });
    assert_refused!("-0.2\ta </s>", "-0.2\ta </s>\tinf", 14, Problem::InfiniteBackoff { .. });
    assert_refused!("-0.2\ta </s>", "-0.2\ta </s>\t309", 14, Problem::InfiniteBackoff { .. });
    assert_refused!("-0.2\ta </s>", "-0.2\ta b", 14, Problem::UnknownWord { .. });
    assert_refused!("<s> a </s>", "<s> a </s>\t-1", 18, Problem::NeedlessBackoff { length: 3, .. });
    assert_refused!("<s> a </s>", "</s> a </s>", 18, Problem::Orphan { .. });
    assert_refused!("-0.2\ta </s>", "-0.2\t<s> a", 14, Problem::Duplicate { earlier: Some(13), .. });
    assert_refused!("\t<unk>", "\ta", 10, Problem::Duplicate { earlier: Some(7), .. });
}

#[test]
fn messages_name_place_words_and_remedy() {
    let text = SMALL.replace("<s> a </s>", "</s> a </s>");
    assert_eq!(
        read(&text).unwrap_err().to_string(),
        "line 18: the n-gram \"</s> a </s>\" has no context: the same without its last word is not among the \
         n-grams one shorter; add that, or leave this one out"
    );
    let text = SMALL.replace("-0.2\ta </s>", "-0.2\t<s> a");
    assert_eq!(
        read(&text).unwrap_err().to_string(),
        "line 14: the n-gram \"<s> a\" was already given in line 13; give every n-gram once"
    );
}

#[test]
fn lines_must_be_text_of_bounded_length() {
    let mut bytes = SMALL.as_bytes().to_vec();
    let at = SMALL.find("a </s>").unwrap();
    bytes[at] = 0xff;
    assert!(matches!(
        read_arpa_from(&bytes[..]),
        Err(Error::ArpaFile { line: Some(14), problem: Problem::NotText, .. })
    ));
    let long = "a".repeat(1 << 20);
    assert_refused!("a </s>", &format!("{long} </s>"), 14, Problem::LineTooLong { limit: 1_048_576 });
    // The end never comes.
    let endless = std::io::Read::chain(SMALL.as_bytes(), std::io::repeat(b' '));
    assert!(matches!(
        read_arpa_from(endless),
        Err(Error::ArpaFile { line: Some(21), problem: Problem::LineTooLong { .. }, .. })
    ));
}

// ---- compressed files ------------------------------------------------------------

fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn compressed_files_are_read_in_one_member_or_several() {
    let model = read(SMALL).unwrap();
    let whole = compress(SMALL.as_bytes());
    assert_eq!(read_arpa_from(&whole[..]).unwrap(), model);
    let (first, second) = SMALL.as_bytes().split_at(100);
    assert_eq!(read_arpa_from(&[compress(first), compress(second)].concat()[..]).unwrap(), model);
    for length in 2..whole.len() {
        assert!(matches!(read_arpa_from(&whole[..length]), Err(Error::ArpaFile { .. })), "{length}");
    }
    let mut damaged = whole.clone();
    *damaged.last_mut().unwrap() ^= 1;
    let Err(Error::ArpaFile { problem: Problem::Unreadable { .. }, .. }) = read_arpa_from(&damaged[..])
    else {
        panic!("the length at the end does not fit");
    };
    let garbage = [&whole[..], b"garbage"].concat();
    assert!(matches!(read_arpa_from(&garbage[..]), Err(Error::ArpaFile { .. })));
}

#[test]
fn files_are_written_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let ArpaModel { vocab, model } = read(SMALL).unwrap();
    let plain = folder.path().join("model.arpa");
    let compressed = folder.path().join("model.arpa.gz");
    for path in [&plain, &compressed, &plain] {
        write_arpa(path, &vocab, &model).unwrap();
        assert_eq!(read_arpa(path).unwrap().vocab, vocab);
    }
    assert_eq!(std::fs::read(&compressed).unwrap()[..2], [0x1f, 0x8b]);
    assert_eq!(std::fs::read(&plain).unwrap()[..6], *b"\\data\\");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left beside the files");

    let nowhere = folder.path().join("no such folder/model.arpa");
    let Err(Error::Io { path, .. }) = write_arpa(&nowhere, &vocab, &model) else {
        panic!("there is no such folder");
    };
    assert_eq!(path, nowhere);
    let taken = folder.path().join("folder.arpa");
    std::fs::create_dir_all(taken.join("full")).unwrap();
    assert!(matches!(write_arpa(&taken, &vocab, &model), Err(Error::Io { .. })));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3, "nothing is left of what failed");
}

#[test]
fn paths_are_named_in_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken.arpa");
    assert!(matches!(read_arpa(&path), Err(Error::Io { .. })));
    std::fs::write(&path, SMALL.replace("-0.2\t", "x\t")).unwrap();
    let message = read_arpa(&path).unwrap_err().to_string();
    assert!(message.starts_with(&format!("{}, line 14: \"x\" is not", path.display())), "{message}");
}

#[test]
fn an_observer_learns_of_the_bytes_and_may_stop() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.arpa.gz");
    let bytes = compress(SMALL.as_bytes());
    std::fs::write(&path, &bytes).unwrap();
    let mut last = None;
    let mut watch = |progress: &Progress| {
        last = Some((progress.done, progress.total));
        ControlFlow::Continue(())
    };
    read_arpa_watched(&path, &mut watch).unwrap();
    assert_eq!(last, Some((bytes.len() as u64, Some(bytes.len() as u64))));
    let mut stop = |_: &Progress| ControlFlow::Break(());
    assert!(matches!(read_arpa_from_watched(&bytes[..], &mut stop), Err(Error::Cancelled { .. })));
}

// ---- writing -----------------------------------------------------------------------

#[test]
fn names_that_would_break_a_line_are_not_written() {
    let model = BackoffTrie::from_ngrams(2, 1, [(vec![0], 0.5, 1.0), (vec![1], 0.5, 1.0)]).unwrap();
    for name in ["", " ", "a b", "a\t", "\n", "\r", "\0"] {
        let vocab = Vocab::new(vec!["a".to_owned(), name.to_owned()]).unwrap();
        let written = ArpaSettings::new().write_to(Vec::new(), &vocab, &model);
        assert!(
            matches!(written, Err(Error::ArpaFile { problem: Problem::UnwritableWord { token: 1, .. }, .. })),
            "{name:?}"
        );
    }
    let three = Vocab::new(["a", "b", "c"].map(String::from).to_vec()).unwrap();
    let written = ArpaSettings::new().write_to(Vec::new(), &three, &model);
    assert!(matches!(written, Err(Error::VocabularyMismatch { model: 2, text: 3 })));
}

#[test]
fn a_writer_that_fails_is_reported() {
    let ArpaModel { vocab, model } = read(SMALL).unwrap();
    let mut room = [0; 10];
    let written = ArpaSettings::new().write_to(&mut room[..], &vocab, &model);
    assert!(matches!(written, Err(Error::ArpaFile { problem: Problem::Unwritable { .. }, .. })));
}

#[test]
fn suffixes_that_pruning_took_are_restored_and_not_written() {
    let text = SMALL.replace("-0.2\ta </s>\n", "").replace("2=3", "2=2");
    let ArpaModel { vocab, model } = read(&text).unwrap();
    assert_eq!((model.trie().len(2), model.ngram_count(2)), (3, 2));
    let step = model.step(model.state_after(&[3]), 2);
    assert_eq!(step.matched, 1);
    let expected = 10f64.powf(-0.25) * 10f64.powf(-0.3);
    assert!((step.probability - expected).abs() < 1e-15);
    let mut written = Vec::new();
    ArpaSettings::new().write_to(&mut written, &vocab, &model).unwrap();
    assert!(!String::from_utf8_lossy(&written).contains("\ta </s>"));
    assert_same(&read_arpa_from(&written[..]).unwrap().model, &model, 1e-14);
}

/// The same n-grams, with numbers that agree.
#[track_caller]
fn assert_same(found: &BackoffTrie, expected: &BackoffTrie, tolerance: f64) {
    assert_eq!(found.trie(), expected.trie());
    // In single precision zero is written as -99.
    let zero = if tolerance > 1e-10 { 1e-98 } else { 0.0 };
    let agree = |found: &[f64], expected: &[f64]| {
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() <= tolerance * expected + zero, "{found} but {expected}");
        }
    };
    for length in 1..=expected.order() {
        assert_eq!(found.ngram_count(length), expected.ngram_count(length));
        agree(found.probabilities(length), expected.probabilities(length));
        if length < expected.order() {
            agree(found.backoffs(length), expected.backoffs(length));
        }
    }
}

/// Models over the words `<unk> <s> </s> a`, from choices for every possible n-gram.
fn models() -> impl Strategy<Value = BackoffTrie> {
    let value = prop_oneof![8 => 1e-12..1.0f64, 1 => Just(0.0), 1 => Just(1.0)];
    let backoff = prop_oneof![8 => 1e-6..10.0f64, 1 => Just(0.0), 1 => Just(1.0)];
    let choices = proptest::collection::vec((value, backoff, any::<bool>()), 4 + 16 + 64);
    (1..=3usize, choices).prop_map(|(order, choices)| {
        let mut choices = choices.into_iter();
        let mut ngrams: Vec<(Vec<Token>, f64, f64)> = Vec::new();
        let mut contexts: Vec<Vec<Token>> = vec![vec![]];
        for length in 1..=order {
            let mut longer = Vec::new();
            for context in &contexts {
                for token in 0..4 {
                    let (probability, backoff, given) = choices.next().unwrap();
                    if length == 1 || given {
                        let tokens = [&context[..], &[token]].concat();
                        // <s> is never generated.
                        ngrams.push((tokens.clone(), if token == 1 { 0.0 } else { probability }, backoff));
                        longer.push(tokens);
                    }
                }
            }
            contexts = longer;
        }
        BackoffTrie::from_ngrams(4, order, ngrams).unwrap()
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(model in models(), single in any::<bool>()) {
        let vocab = Vocab::new(["<unk>", "<s>", "</s>", "a"].map(String::from).to_vec()).unwrap();
        let (precision, tolerance) =
            if single { (ArpaPrecision::Single, 2e-6) } else { (ArpaPrecision::Double, 2e-14) };
        let settings = ArpaSettings::new().precision(precision);
        let mut written = Vec::new();
        settings.write_to(&mut written, &vocab, &model).unwrap();
        let once = read_arpa_from(&written[..]).unwrap();
        prop_assert_eq!(&once.vocab, &vocab);
        assert_same(&once.model, &model, tolerance);
    }
}

// ---- files of other tools ----------------------------------------------------------

const TOYS: [&str; 4] = ["fallback0", "plain0", "pruned0", "quirk0"];

fn toy(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/lm/toy_{name}.arpa"))
}

/// The law after every context sums to one.
fn check_laws(model: BackoffTrie, rounding: f64) {
    let mut law = vec![0.0; model.vocabulary_size()];
    let normal = model.clone().normalized().unwrap();
    for (model, tolerance) in [(model, rounding), (normal, 1e-12)] {
        for length in 1..model.order() {
            for number in 0..model.trie().len(length) {
                model.write_law(model.context_of(length, number), &mut law);
                let sum: f64 = law.iter().sum();
                assert!((sum - 1.0).abs() < tolerance, "{:?}: {sum}", model.trie().ngram(length, number));
            }
        }
    }
}

#[test]
fn models_of_kenlm_are_read_and_their_laws_sum_to_one() {
    for name in TOYS {
        let ArpaModel { vocab, model } = read_arpa(toy(name)).unwrap();
        assert_eq!(model.order(), 3);
        let file = std::fs::read_to_string(toy(name)).unwrap();
        for length in 1..=3 {
            let count = format!("ngram {length}={}\n", model.ngram_count(length));
            assert!(file.contains(&count), "{name}: {count}");
        }
        check_laws(model.clone(), 2e-6);
        // In single precision the same digits come out.
        let mut written = Vec::new();
        ArpaSettings::new().precision(ArpaPrecision::Single).write_to(&mut written, &vocab, &model).unwrap();
        let numbers = |text: &str| {
            let mut lines: Vec<String> = text
                .lines()
                .filter(|line| line.contains('\t') && !line.contains("<s>"))
                .map(str::to_owned)
                .collect();
            lines.sort_unstable();
            lines
        };
        assert_eq!(numbers(&String::from_utf8(written).unwrap()), numbers(&file), "{name}");
    }
}

#[test]
fn models_of_irstlm_are_read() {
    let Some(folder) = texts::folder() else { return texts::skip("models of IRSTLM") };
    for method in ["wb", "sb", "msb"] {
        let path = folder.join(format!("irstlm/tinyshakespeare_first3000.words.o3.{method}.arpa"));
        let model = read_arpa(path).unwrap().model;
        assert_eq!((model.order(), model.vocabulary_size()), (3, 4052));
    }
}
