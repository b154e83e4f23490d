//! Broken ARPA files, made by the thousand from whole ones: reading never
//! panics, and what is accepted is a model that can be written and read again.
//!
//! `LMCHAIN_FUZZ_CASES` says how many; case i is the same in every run.

use std::io::Write;
use std::panic::catch_unwind;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::Compression;
use flate2::write::GzEncoder;
use lmchain::Error;
use lmchain::ngram::{ArpaModel, ArpaSettings, BackoffTrie, NgramState, read_arpa_from};
use rayon::prelude::*;

/// Cases of a plain `cargo test`.
const DEFAULT_CASES: u64 = 20_000;

/// SplitMix64: S. Vigna, public domain.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below a bound above 0.
    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        items[self.below(items.len())]
    }
}

// ---- whole files -------------------------------------------------------------------

const WORDS: [&str; 8] = ["<unk>", "<s>", "</s>", "a", "b", "é", "-1", "<UNK>"];

/// A small valid file; some n-grams lack their suffixes.
fn generate(random: &mut Random) -> Vec<u8> {
    let order = 1 + random.below(4);
    let words = 2 + random.below(WORDS.len() - 1);
    let mut levels: Vec<Vec<Vec<usize>>> = vec![(0..words).map(|word| vec![word]).collect()];
    for length in 2..=order {
        let mut longer = Vec::new();
        for context in &levels[length - 2] {
            for word in 0..words {
                if longer.len() < 10 && random.one_in(3) {
                    longer.push([&context[..], &[word]].concat());
                }
            }
        }
        levels.push(longer);
    }
    let mut text = String::from("\\data\\\n");
    for (level, length) in levels.iter().zip(1..) {
        text += &format!("ngram {length}={}\n", level.len());
    }
    for (level, length) in levels.iter().zip(1..) {
        text += &format!("\n\\{length}-grams:\n");
        for ngram in level {
            let names: Vec<&str> = ngram.iter().map(|&word| WORDS[word]).collect();
            text += &format!("-{}.{}\t{}", random.below(3), random.below(1000), names.join(" "));
            if length < order && !random.one_in(4) {
                text += &format!("\t{}", (random.below(2000) as f64 - 1500.0) / 1000.0);
            }
            text.push('\n');
        }
    }
    text += "\n\\end\\\n";
    text.into_bytes()
}

/// Generated files, with files of KenLM as the last few, which are larger.
fn whole_files() -> Vec<Vec<u8>> {
    let mut random = Random(7);
    let mut files: Vec<Vec<u8>> = (0..200).map(|_| generate(&mut random)).collect();
    for toy in ["fallback0", "plain0", "pruned0", "quirk0"] {
        let path = format!("{}/tests/data/lm/toy_{toy}.arpa", env!("CARGO_MANIFEST_DIR"));
        files.push(std::fs::read(path).unwrap());
    }
    files
}

// ---- what breaks them ----------------------------------------------------------------

const NUMBERS: [&str; 22] = [
    "1e400",
    "-1e400",
    "NaN",
    "-nan",
    "inf",
    "-inf",
    "-0",
    "0",
    "0.0",
    "-99",
    "-100",
    "-308",
    "-324.5",
    "308.2",
    "309",
    "1",
    "-0.5",
    "1000000000000000000",
    "18446744073709551616",
    "-1",
    "1e-400",
    "4294967296",
];

const LINES: [&str; 16] = [
    "\\data\\",
    "\\end\\",
    "\\1-grams:",
    "\\2-grams:",
    "\\3-grams:",
    "\\4-grams:",
    "\\9-grams:",
    "\\0-grams:",
    "ngram 1=1",
    "ngram 2=0",
    "ngram 3=1000000000000000000",
    "ngram 0=0",
    "ngram =",
    "",
    "-1 a",
    "-1 a b",
];

const BYTES: &[u8] = b"\0\t\n\r \\-.0123456789eEnaNif<>/su=:gram\xff\xc3\xa9\x0b\x1f\x8b";

fn mutate(random: &mut Random, bytes: &mut Vec<u8>) {
    let at = random.below(bytes.len() + 1);
    match random.below(16) {
        0 | 1 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
        2 | 3 if at < bytes.len() => bytes[at] = BYTES[random.below(BYTES.len())],
        4 => bytes.insert(at, BYTES[random.below(BYTES.len())]),
        5 if at < bytes.len() => drop(bytes.remove(at)),
        6 if random.one_in(3) => bytes.truncate(at),
        7 | 8 => mutate_lines(random, bytes),
        9 | 10 => splice_number(random, bytes, at),
        11 => splice(bytes, at, at, random.pick(&LINES)),
        12 if random.one_in(4) => replace_all(bytes, b"\n", b"\r\n"),
        13 if random.one_in(4) => replace_all(bytes, b"\t", b" "),
        14 => {
            let (from, to) = (random.pick(&WORDS), random.pick(&WORDS));
            replace_all(bytes, from.as_bytes(), to.as_bytes());
        }
        15 => {
            // A piece of the file, somewhere else.
            let from = random.below(bytes.len() + 1);
            let end = bytes.len().min(from + random.below(40));
            let piece = bytes[from..end].to_vec();
            bytes.splice(at..at, piece);
        }
        _ => {}
    }
}

fn splice(bytes: &mut Vec<u8>, from: usize, to: usize, text: &str) {
    bytes.splice(from..to, text.bytes());
}

/// Puts an odd number in the place of the number at or after a position.
fn splice_number(random: &mut Random, bytes: &mut Vec<u8>, at: usize) {
    let digit = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    let Some(start) = bytes[at..].iter().position(digit).map(|offset| at + offset) else { return };
    let end = start + bytes[start..].iter().take_while(|byte| digit(byte)).count();
    splice(bytes, start, end, random.pick(&NUMBERS));
}

/// Repeats, drops, swaps or moves lines.
fn mutate_lines(random: &mut Random, bytes: &mut Vec<u8>) {
    let mut lines: Vec<&[u8]> = bytes.split_inclusive(|&byte| byte == b'\n').collect();
    if lines.is_empty() {
        return;
    }
    let (one, other) = (random.below(lines.len()), random.below(lines.len()));
    match random.below(4) {
        0 => lines.insert(other, lines[one]),
        1 => drop(lines.remove(one)),
        2 => lines.swap(one, other),
        _ => lines[one] = lines[other],
    }
    *bytes = lines.concat();
}

fn replace_all(bytes: &mut Vec<u8>, from: &[u8], to: &[u8]) {
    let mut replaced = Vec::with_capacity(bytes.len());
    let mut rest = &bytes[..];
    while let Some((&byte, after)) = rest.split_first() {
        match rest.strip_prefix(from) {
            Some(after) => {
                replaced.extend_from_slice(to);
                rest = after;
            }
            None => {
                replaced.push(byte);
                rest = after;
            }
        }
    }
    *bytes = replaced;
}

fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn case(number: u64, files: &[Vec<u8>]) -> Vec<u8> {
    let mut random = Random(number.wrapping_mul(0x2545_f491_4f6c_dd1d));
    let large = random.one_in(200);
    let file = if large { files.len() - 4 + random.below(4) } else { random.below(files.len() - 4) };
    let mut bytes = files[file].clone();
    // A number of changes at random, fewer more often.
    for _ in 0..1 + random.below(3) * random.below(3) {
        mutate(&mut random, &mut bytes);
    }
    if random.one_in(40) {
        bytes = compress(&bytes);
        if random.one_in(2) {
            bytes.extend(compress(&files[0]));
        }
        for _ in 0..random.below(3) {
            mutate(&mut random, &mut bytes);
        }
    }
    bytes
}

// ---- what must hold --------------------------------------------------------------------

/// Says whether the file was accepted.
fn check(bytes: &[u8]) -> bool {
    let read = match read_arpa_from(bytes) {
        Ok(read) => read,
        Err(error @ Error::ArpaFile { .. }) => {
            assert!(!error.to_string().is_empty());
            return false;
        }
        Err(other) => panic!("{other:?} is no error of a file"),
    };
    check_model(&read);
    let mut written = Vec::new();
    ArpaSettings::new().write_to(&mut written, &read.vocab, &read.model).unwrap();
    let again = read_arpa_from(&written[..]).unwrap();
    check_same(&read, &again);
    match read.model.normalized() {
        Ok(_) | Err(Error::ContextSum { .. }) => true,
        Err(other) => panic!("{other:?}"),
    }
}

fn check_model(ArpaModel { vocab, model }: &ArpaModel) {
    assert_eq!(vocab.len(), model.vocabulary_size());
    let trie = model.trie();
    for length in 1..=model.order() {
        assert!(model.probabilities(length).iter().all(|p| (0.0..=1.0).contains(p)));
        if length < model.order() {
            assert!(model.backoffs(length).iter().all(|backoff| *backoff >= 0.0 && backoff.is_finite()));
        }
        for number in (0..trie.len(length)).take(50) {
            let ngram = trie.ngram(length, number);
            assert_eq!(trie.find(&ngram), Some(number));
            assert_eq!(trie.find(&ngram[1..]), Some(trie.suffix(length, number)));
            if ngram.last() == vocab.start().as_ref() {
                assert_eq!(model.probabilities(length)[number], 0.0);
            }
        }
    }
    let state = model.state_after(&[0]);
    for token in 0..vocab.len().min(5) as u32 {
        let step = model.step(state, token);
        assert!(step.matched >= 1 && step.matched <= model.order());
        model.step(step.state, 0);
    }
    model.write_law(NgramState::default(), &mut vec![0.0; vocab.len()]);
}

fn check_same(read: &ArpaModel, again: &ArpaModel) {
    assert_eq!(read.vocab, again.vocab);
    let (one, other) = (&read.model, &again.model);
    assert_eq!(one.trie(), other.trie());
    // Zeros come back as 1e-99, which a huge weight makes large in what is implied.
    let huge = (1..one.order()).any(|length| one.backoffs(length).iter().any(|&backoff| backoff > 1e20));
    for length in 1..=one.order() {
        assert_eq!(one.ngram_count(length), other.ngram_count(length));
        let explicit = |number: usize| one.is_explicit(length, number);
        for number in (0..one.trie().len(length)).filter(|&number| explicit(number) || !huge) {
            assert_close(one.probabilities(length)[number], other.probabilities(length)[number]);
        }
        if length < one.order() {
            assert_backoffs(one, other, length);
        }
    }
}

fn assert_backoffs(one: &BackoffTrie, other: &BackoffTrie, length: usize) {
    for (&one, &other) in one.backoffs(length).iter().zip(other.backoffs(length)) {
        assert_close(one, other);
    }
}

fn assert_close(one: f64, other: f64) {
    assert!((one - other).abs() <= 1e-12 * one + 1e-75, "{one} but {other}");
}

#[test]
fn broken_files_never_panic_and_accepted_ones_can_be_written_and_read() {
    let cases = match std::env::var("LMCHAIN_FUZZ_CASES") {
        Ok(cases) => cases.parse().unwrap(),
        Err(_) => DEFAULT_CASES,
    };
    let files = whole_files();
    files.iter().for_each(|file| assert!(check(file), "{}", String::from_utf8_lossy(file)));
    let accepted = AtomicU64::new(0);
    (0..cases).into_par_iter().for_each(|number| {
        let bytes = case(number, &files);
        let outcome = catch_unwind(|| check(&bytes));
        let Ok(was_accepted) = outcome else {
            panic!("case {number}:\n{}", String::from_utf8_lossy(&bytes));
        };
        accepted.fetch_add(u64::from(was_accepted), Ordering::Relaxed);
    });
    let accepted = accepted.into_inner();
    println!("{cases} files, {accepted} accepted");
    // Both ways must be walked.
    assert!(accepted > cases / 20 && accepted < cases, "{accepted} of {cases} files were accepted");
}
