use std::io::Write;
use std::ops::ControlFlow;

use proptest::prelude::*;

use super::*;
use crate::error::Error;
use crate::solve::Progress;

/// Hands out a few bytes at a time.
struct Drip<'a>(&'a [u8], usize);

impl Read for Drip<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let step = self.1.min(self.0.len()).min(buffer.len());
        buffer[..step].copy_from_slice(&self.0[..step]);
        self.0 = &self.0[step..];
        Ok(step)
    }
}

fn tokenizers() -> [Tokenizer; 4] {
    [Tokenizer::bytes(), Tokenizer::characters(), Tokenizer::words(), Tokenizer::whitespace()]
}

fn words() -> CorpusSettings {
    CorpusSettings::new(Tokenizer::whitespace())
}

fn text_file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

proptest! {
    #[test]
    fn a_text_read_in_drips_is_the_text_read_whole(
        text in "([a-cÄΣ€😀\u{301}\u{202F}., \r\n]|[ \n\u{3000}])*",
        step in 1..7usize,
    ) {
        for tokenizer in tokenizers() {
            let settings = CorpusSettings::new(tokenizer);
            match (settings.read_strings([&text]), settings.read(Drip(text.as_bytes(), step))) {
                (Ok(whole), Ok(drips)) => prop_assert_eq!(whole, drips),
                (Err(Error::EmptyText), Err(Error::EmptyText)) => {}
                (whole, drips) => prop_assert!(false, "{:?} but {:?}", whole, drips),
            }
        }
    }

    #[test]
    fn any_bytes_read_as_their_lossy_text(bytes in prop::collection::vec(any::<u8>(), 0..80), step in 1..5usize) {
        for tokenizer in tokenizers() {
            let settings = CorpusSettings::new(tokenizer).invalid_utf8(InvalidUtf8::Replace);
            let lossy = String::from_utf8_lossy(&bytes);
            match (settings.read_strings([&lossy]), settings.read(Drip(&bytes, step))) {
                (Ok(whole), Ok(drips)) => {
                    prop_assert_eq!(whole.tokens(), drips.tokens());
                    prop_assert_eq!(whole.vocab(), drips.vocab());
                    prop_assert_eq!(drips.replaced() > 0, std::str::from_utf8(&bytes).is_err());
                }
                (Err(Error::EmptyText), Err(Error::EmptyText)) => {}
                (whole, drips) => prop_assert!(false, "{:?} but {:?}", whole, drips),
            }
        }
    }

    #[test]
    fn lines_are_those_of_the_standard_library(text in "[ab \r\n]*") {
        let settings = CorpusSettings::new(Tokenizer::characters());
        let mut builder = Builder::new(&settings).unwrap();
        let mut silent = Silent;
        let mut watch = Watch { observer: &mut silent, before: 0, total: None };
        builder.read(Drip(text.as_bytes(), 2), None, true, &mut watch).unwrap();
        match (settings.read_strings(text.lines()), builder.finish()) {
            (Ok(lines), Ok(read)) => prop_assert_eq!(lines, read),
            (Err(Error::EmptyText), Err(Error::EmptyText)) => {}
            (lines, read) => prop_assert!(false, "{:?} but {:?}", lines, read),
        }
    }
}

#[test]
fn the_numbering_does_not_depend_on_the_order_of_documents() {
    let forth = words().read_strings(["b c a", "é Z"]).unwrap();
    let back = words().read_strings(["é Z", "b c a"]).unwrap();
    assert_eq!(forth.vocab(), back.vocab());
    assert_eq!(forth.vocab().names(), ["Z", "a", "b", "c", "é"]);
    assert_eq!(forth.documents().collect::<Vec<_>>(), [&[2, 3, 1][..], &[4, 0]]);
    assert_eq!(back.documents().collect::<Vec<_>>(), [&[4, 0][..], &[2, 3, 1]]);
}

#[test]
fn special_tokens_come_first_and_only_where_needed() {
    let names = |settings: CorpusSettings| settings.read_strings(["b a a"]).unwrap().vocab().names().to_vec();
    assert_eq!(names(words()), ["a", "b"]);
    assert_eq!(names(words().document_end(DocumentEnd::Token)), ["</s>", "a", "b"]);
    assert_eq!(names(words().document_end(DocumentEnd::Absorbing)), ["<s>", "</s>", "a", "b"]);
    assert_eq!(names(words().minimum_count(2)), ["<unk>", "a"]);
    assert_eq!(names(words().minimum_count(9)), ["<unk>"]);
}

#[test]
fn unknown_tokens_of_the_text_itself_are_kept() {
    let corpus = words().minimum_count(2).read_strings(["<unk> a a b"]).unwrap();
    assert_eq!(corpus.vocab().names(), ["<unk>", "a"]);
    assert_eq!(corpus.tokens(), [0, 1, 1, 0]);
    assert_eq!(corpus.unknown(), 2);
}

#[test]
fn reserved_tokens_in_a_text_are_refused() {
    let read = |end, text: &str| words().document_end(end).read_strings([text]).map(|_| ());
    assert!(matches!(
        read(DocumentEnd::Circular, "a <s> b"),
        Err(Error::ReservedToken { name, position: 1 }) if name == "<s>"
    ));
    assert!(matches!(read(DocumentEnd::Reset, "a b </s>"), Err(Error::ReservedToken { position: 2, .. })));
    assert!(read(DocumentEnd::Circular, "a </s>").is_ok());
    let given = words().document_end(DocumentEnd::Token).read_strings(["a"]).unwrap().held_out_settings();
    assert!(matches!(given.read_strings(["a </s>"]), Err(Error::ReservedToken { position: 1, .. })));
}

#[test]
fn a_held_out_text_is_read_with_the_vocabulary_given() {
    let training = words().read_strings(["a b"]).unwrap();
    let settings = training.held_out_settings();
    assert_eq!(settings.read_strings(["b b"]).unwrap().tokens(), [1, 1]);
    assert!(matches!(
        settings.read_strings(["b", "b x"]),
        Err(Error::UnknownToken { name, position: 2 }) if name == "x"
    ));
    let skipping = settings.unknown_tokens(UnknownTokens::Skip);
    let held_out = skipping.read_strings(["x b", "y", "z a x"]).unwrap();
    assert_eq!((held_out.tokens(), held_out.skipped()), (&[1, 0][..], 4));
    assert_eq!(held_out.documents().len(), 2);
    assert!(matches!(skipping.read_strings(["x"]), Err(Error::EmptyText)));
    let reset = skipping.document_end(DocumentEnd::Reset);
    assert!(matches!(reset.read_strings(["a"]), Err(Error::MissingToken { name: "</s>", .. })));
    let open = words().minimum_count(2).read_strings(["a a b"]).unwrap();
    let held_out = open.held_out_settings().read_strings(["b a q"]).unwrap();
    assert_eq!((held_out.tokens(), held_out.unknown(), held_out.skipped()), (&[0, 1, 0][..], 2, 0));
}

#[test]
fn bad_texts_are_refused_with_their_place() {
    assert!(matches!(words().read_strings([" \n", ""]), Err(Error::EmptyText)));
    assert!(matches!(words().read_strings([""; 0]), Err(Error::EmptyText)));
    assert!(matches!(words().minimum_count(0).read_strings(["a"]), Err(Error::MustBePositive { .. })));
    let file = text_file(b"fine \xFF");
    let Err(Error::InvalidUtf8 { path: Some(path), offset: 5 }) = words().read_files(&[file.path()]) else {
        panic!("the byte is not UTF-8");
    };
    assert_eq!(path, file.path());
    let missing = file.path().with_extension("missing");
    assert!(matches!(words().read_files(&[&missing]), Err(Error::Io { path, .. }) if path == missing));
    assert!(matches!(words().read_lines(std::env::temp_dir()), Err(Error::Io { .. })), "a directory");
}

#[test]
fn files_and_lines_are_documents() {
    let (first, second) = (text_file(b"a b\n"), text_file(b"b\r\n\r\n  \nc"));
    let corpus = words().read_files(&[first.path(), second.path()]).unwrap();
    assert_eq!(corpus.documents().collect::<Vec<_>>(), [[0, 1], [1, 2]]);
    let corpus = words().read_lines(second.path()).unwrap();
    assert_eq!(corpus.documents().collect::<Vec<_>>(), [[0], [1]]);
}

#[test]
fn the_observer_sees_every_byte_and_can_stop() {
    let (first, second) = (text_file(&[b'a'; 100_000]), text_file(b"b"));
    let paths = [first.path(), second.path()];
    let mut seen = Vec::new();
    let mut watch = |progress: &Progress| {
        seen.push((progress.done, progress.total));
        ControlFlow::Continue(())
    };
    words().read_files_watched(&paths, &mut watch).unwrap();
    assert!(seen.is_sorted());
    assert_eq!(seen.last(), Some(&(100_001, Some(100_001))));
    let mut stop = |_: &Progress| ControlFlow::Break(());
    assert!(matches!(words().read_files_watched(&paths, &mut stop), Err(Error::Cancelled { .. })));
    assert!(matches!(words().read_watched(&b"a"[..], &mut stop), Err(Error::Cancelled { .. })));
}

#[test]
fn a_long_text_without_white_space_is_one_word_in_linear_time() {
    // Ten million bytes in pieces of 64 KiB: looking at all of it each time would take minutes.
    let text = vec![b'x'; 10_000_000];
    for settings in [words(), CorpusSettings::new(Tokenizer::words())] {
        let corpus = settings.read(&text[..]).unwrap();
        assert_eq!(corpus.tokens(), [0]);
        assert_eq!(corpus.vocab().name(0).len(), text.len());
    }
}

#[test]
fn the_most_frequent_tokens_are_kept() {
    let read = |kept| {
        let settings = CorpusSettings::new(Tokenizer::whitespace()).most_frequent(kept);
        settings.read_strings(["b c a b a c d b"]).unwrap()
    };
    assert_eq!(read(2).vocab().names(), ["<unk>", "a", "b"]);
    assert_eq!((read(2).unknown(), read(3).unknown()), (3, 1));
    assert_eq!(read(9).vocab().names(), ["<unk>", "a", "b", "c", "d"]);
    assert_eq!(read(0).vocab().names(), ["<unk>"]);
}

#[test]
fn an_unknown_token_can_be_asked_for() {
    let settings = CorpusSettings::new(Tokenizer::whitespace()).unknown_token(true);
    let corpus = settings.read_strings(["b a"]).unwrap();
    assert_eq!((corpus.vocab().names().len(), corpus.unknown()), (3, 0));
    let given = settings.vocab(Vocab::new(vec!["a".into(), "b".into()]).unwrap());
    assert_eq!(given.read_strings(["b a"]).unwrap().vocab().unknown(), None);
}
