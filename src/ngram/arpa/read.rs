//! Reading the ARPA format.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::lines::{Lines, at};
use super::{MAX_ORDER, is_separator};
use crate::error::{ArpaFileProblem, Error, NgramProblem, Result};
use crate::ngram::BackoffTrie;
use crate::ngram::closure::{BackoffBuilder, LevelFlaw};
use crate::solve::{Observer, Silent};
use crate::text::{Token, Vocab};

/// What an ARPA file holds.
#[derive(Debug, Clone, PartialEq)]
pub struct ArpaModel {
    /// The words, in the order of the file's 1-grams.
    pub vocab: Vocab,
    /// The probabilities and back-off weights.
    pub model: BackoffTrie,
}

/// Reads a back-off model from a file in the ARPA format, compressed with gzip or not.
///
/// # Errors
///
/// [`Error::Io`] if the file cannot be opened, [`Error::ArpaFile`] with path,
/// line and [`ArpaFileProblem`] if it does not hold a model,
/// [`Error::TooManyNgrams`].
///
/// # Complexity
///
/// The file is read as a stream, line by line. Memory grows with the n-grams
/// that are truly there, to about twice the model; the header's word is not
/// taken for it.
pub fn read_arpa(path: impl AsRef<Path>) -> Result<ArpaModel> {
    read_arpa_watched(path, &mut Silent)
}

/// As [`read_arpa`], telling an observer how many bytes of the file were read.
///
/// # Errors
///
/// As [`read_arpa`]; [`Error::Cancelled`] if the observer asks to stop.
pub fn read_arpa_watched(path: impl AsRef<Path>, observer: &mut dyn Observer) -> Result<ArpaModel> {
    let path = path.as_ref();
    let io_error = |source| Error::Io { path: path.to_owned(), source };
    let file = File::open(path).map_err(io_error)?;
    let total = file.metadata().map_err(io_error)?.len();
    let read = Lines::new(file, Some(total), observer).and_then(read_model);
    read.map_err(|error| match error {
        Error::ArpaFile { line, problem, .. } => {
            Error::ArpaFile { path: Some(path.to_owned()), line, problem }
        }
        other => other,
    })
}

/// Reads a back-off model in the ARPA format, compressed with gzip or not.
///
/// # Errors
///
/// As [`read_arpa`], without a path.
///
/// # Example
///
/// ```
/// let file = "\\data\\\nngram 1=2\n\n\\1-grams:\n-0.30103\t<unk>\n-0.30103\ta\n\n\\end\\\n";
/// let read = lmchain::ngram::read_arpa_from(file.as_bytes())?;
/// assert_eq!(read.vocab.names(), ["<unk>", "a"]);
/// assert!((read.model.probabilities(1)[1] - 0.5).abs() < 1e-6);
/// # Ok::<(), lmchain::Error>(())
/// ```
pub fn read_arpa_from(reader: impl Read) -> Result<ArpaModel> {
    read_arpa_from_watched(reader, &mut Silent)
}

/// As [`read_arpa_from`], telling an observer how many bytes were read.
///
/// # Errors
///
/// As [`read_arpa_from`]; [`Error::Cancelled`] if the observer asks to stop.
pub fn read_arpa_from_watched(reader: impl Read, observer: &mut dyn Observer) -> Result<ArpaModel> {
    Lines::new(reader, None, observer).and_then(read_model)
}

fn read_model(mut lines: Lines<'_>) -> Result<ArpaModel> {
    require(&mut lines, r"`\data\`")?;
    while lines.bytes() != br"\data\" {
        require(&mut lines, r"`\data\`")?;
    }
    let announced = read_counts(&mut lines)?;
    let order = announced.len();

    let mut section = Section { length: 1, order, announced: announced[0] };
    let words = Words::read(&mut lines, section)?;
    let mut builder = BackoffBuilder::new(words.vocab.len(), order);
    for (token, &(probability, backoff)) in (0..).zip(&words.values) {
        builder.push(&[token], probability, backoff, 0).expect("the empty n-gram is always there");
    }
    end_level(&mut builder, &words.vocab)?;
    for &count in &announced[1..] {
        section = Section { length: section.length + 1, announced: count, ..section };
        section.for_each(&mut lines, |text, line| {
            let entry = words.parse(text, section)?;
            let ngram = &entry.ngram[..section.length];
            builder
                .push(ngram, entry.probability, entry.backoff, line)
                .map_err(|_| ArpaFileProblem::Orphan { ngram: words.join(ngram) })
        })?;
        end_level(&mut builder, &words.vocab)?;
    }
    expect_line(&lines, r"\end\")?;
    if lines.advance()? {
        return Err(unexpected(&lines, "nothing after `\\end\\`"));
    }
    Ok(ArpaModel { model: builder.finish()?, vocab: words.vocab })
}

/// Reads the lines `ngram N=COUNT`, and the line after them.
fn read_counts(lines: &mut Lines<'_>) -> Result<Vec<u64>> {
    let mut announced: Vec<u64> = Vec::new();
    loop {
        require(lines, r"`\1-grams:`")?;
        let Some(count) = lines.bytes().strip_prefix(b"ngram") else { break };
        let Some((length, count)) = str::from_utf8(count).ok().and_then(|count| count.split_once('=')) else {
            return Err(unexpected(lines, "`ngram N=COUNT`"));
        };
        let parse = |text: &str, what| {
            let number = text.trim_matches(|c| c == ' ' || c == '\t');
            number.parse::<u64>().map_err(|_| lines.here(not_a_number(what, number)))
        };
        let (length, count) = (parse(length, "a length of n-grams")?, parse(count, "a number of n-grams")?);
        let expected = announced.len() + 1;
        if length != expected as u64 {
            return Err(lines.here(ArpaFileProblem::CountOrder { expected, found: length }));
        }
        if expected > MAX_ORDER {
            return Err(lines.here(ArpaFileProblem::OrderTooHigh { limit: MAX_ORDER }));
        }
        announced.push(count);
    }
    if announced.is_empty() { Err(lines.here(ArpaFileProblem::NoCounts)) } else { Ok(announced) }
}

/// Which n-grams are being read.
#[derive(Debug, Clone, Copy)]
struct Section {
    length: usize,
    order: usize,
    announced: u64,
}

impl Section {
    /// Checks that the line read last starts the section, and reads on up to the
    /// line that starts the next.
    fn for_each(
        self,
        lines: &mut Lines<'_>,
        mut take: impl FnMut(&str, u32) -> Result<(), ArpaFileProblem>,
    ) -> Result<()> {
        let Self { length, announced, .. } = self;
        expect_line(lines, &self.title())?;
        let mut found = 0;
        loop {
            require(lines, &format!("`{}`", self.following()))?;
            if lines.bytes().starts_with(b"\\") {
                break;
            }
            if found == announced {
                return Err(lines.here(ArpaFileProblem::ExtraNgrams { length, announced }));
            }
            found += 1;
            // Files of more lines than that are not told where a duplicate first was.
            let line = u32::try_from(lines.number()).unwrap_or(0);
            take(lines.text()?, line).map_err(|problem| lines.here(problem))?;
        }
        if found < announced {
            return Err(lines.here(ArpaFileProblem::TooFewNgrams { length, announced, found }));
        }
        Ok(())
    }

    fn title(self) -> String {
        format!(r"\{}-grams:", self.length)
    }

    /// The line that ends the section.
    fn following(self) -> String {
        if self.length == self.order {
            r"\end\".to_owned()
        } else {
            Self { length: self.length + 1, ..self }.title()
        }
    }
}

/// One line of a section.
struct Entry {
    ngram: [Token; MAX_ORDER],
    probability: f64,
    backoff: f64,
}

/// The vocabulary, and what belongs to each single word.
struct Words {
    vocab: Vocab,
    start: Option<Token>,
    /// Whether `<UNK>` is called `<unk>` in the vocabulary.
    renamed: bool,
    values: Vec<(f64, f64)>,
}

/// Another name of [`Vocab::UNKNOWN`].
const UNKNOWN_CAPITAL: &str = "<UNK>";

impl Words {
    /// Reads the 1-grams.
    fn read(lines: &mut Lines<'_>, section: Section) -> Result<Self> {
        let (mut names, mut values, mut numbers): (Vec<String>, Vec<(f64, f64)>, Vec<u32>) =
            Default::default();
        section.for_each(lines, |text, line| {
            let mut name = "";
            let (probability, backoff) = parse_line(text, section, |_, word| {
                name = word;
                Ok(())
            })?;
            values.push((if name == Vocab::START { 0.0 } else { probability }, backoff));
            names.push(name.to_owned());
            numbers.push(line);
            Ok(())
        })?;
        if names.is_empty() {
            return Err(lines.here(ArpaFileProblem::NoWords));
        }
        let renamed = rename_unknown(&mut names);
        let vocab = Vocab::new(names).map_err(|error| match error {
            Error::DuplicateName { name, first, second } => {
                duplicate(name, [numbers[first], numbers[second]])
            }
            other => other,
        })?;
        Ok(Self { start: vocab.start(), vocab, renamed, values })
    }

    fn parse(&self, text: &str, section: Section) -> Result<Entry, ArpaFileProblem> {
        let mut ngram = [0; MAX_ORDER];
        let (mut probability, backoff) = parse_line(text, section, |position, word| {
            ngram[position] = self.token(word)?;
            Ok(())
        })?;
        if self.start == Some(ngram[section.length - 1]) {
            probability = 0.0;
        }
        Ok(Entry { ngram, probability, backoff })
    }

    fn token(&self, word: &str) -> Result<Token, ArpaFileProblem> {
        let token = if self.renamed && word == UNKNOWN_CAPITAL {
            self.vocab.unknown()
        } else {
            self.vocab.token(word)
        };
        token.ok_or_else(|| ArpaFileProblem::UnknownWord { word: excerpt(word) })
    }

    fn join(&self, ngram: &[Token]) -> String {
        join(&self.vocab, ngram)
    }
}

/// Calls `<UNK>` `<unk>` if nothing else is; says whether it did.
fn rename_unknown(names: &mut [String]) -> bool {
    if names.iter().any(|name| name == Vocab::UNKNOWN) {
        return false;
    }
    match names.iter_mut().find(|name| *name == UNKNOWN_CAPITAL) {
        Some(name) => {
            *name = Vocab::UNKNOWN.to_owned();
            true
        }
        None => false,
    }
}

/// Hands on the words of a line with their positions, and returns the
/// probability and the back-off weight.
fn parse_line<'a>(
    text: &'a str,
    section: Section,
    mut take_word: impl FnMut(usize, &'a str) -> Result<(), ArpaFileProblem>,
) -> Result<(f64, f64), ArpaFileProblem> {
    // The wrong number of fields explains the line better than what follows from it.
    let wrong_count =
        || ArpaFileProblem::FieldCount { length: section.length, found: Fields { rest: text }.count() };
    let counted = |problem| {
        let found = Fields { rest: text }.count();
        if (section.length + 1..=section.length + 2).contains(&found) { problem } else { wrong_count() }
    };
    let mut fields = Fields { rest: text };
    let probability = parse_probability(fields.next().ok_or_else(wrong_count)?).map_err(counted)?;
    for position in 0..section.length {
        take_word(position, fields.next().ok_or_else(wrong_count)?).map_err(counted)?;
    }
    let backoff = match fields.next() {
        Some(field) => parse_backoff(field, section).map_err(counted)?,
        None => 1.0,
    };
    if fields.next().is_some() { Err(wrong_count()) } else { Ok((probability, backoff)) }
}

fn parse_probability(field: &str) -> Result<f64, ArpaFileProblem> {
    let value = parse_logarithm(field, "the logarithm of a probability")?;
    if value > 0.0 { Err(ArpaFileProblem::PositiveProbability { value }) } else { Ok(power_of_ten(value)) }
}

fn parse_backoff(field: &str, section: Section) -> Result<f64, ArpaFileProblem> {
    let value = parse_logarithm(field, "the logarithm of a back-off weight")?;
    if section.length == section.order && value != 0.0 {
        return Err(ArpaFileProblem::NeedlessBackoff { length: section.length, value });
    }
    let weight = power_of_ten(value);
    if weight.is_finite() { Ok(weight) } else { Err(ArpaFileProblem::InfiniteBackoff { value }) }
}

/// A number that may be infinite.
fn parse_logarithm(field: &str, what: &'static str) -> Result<f64, ArpaFileProblem> {
    match field.parse::<f64>() {
        Ok(value) if !value.is_nan() => Ok(value),
        _ => Err(not_a_number(what, field)),
    }
}

fn power_of_ten(exponent: f64) -> f64 {
    10f64.powf(exponent)
}

/// The parts of a line between separators.
struct Fields<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Fields<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let start = self.rest.bytes().position(|byte| !is_separator(byte))?;
        let rest = &self.rest[start..];
        let end = rest.bytes().position(is_separator).unwrap_or(rest.len());
        self.rest = &rest[end..];
        Some(&rest[..end])
    }
}

fn end_level(builder: &mut BackoffBuilder, vocab: &Vocab) -> Result<()> {
    builder.end_level()?.map_err(|LevelFlaw { ngram, problem, lines }| {
        debug_assert_eq!(problem, NgramProblem::Duplicate, "all words have been given");
        duplicate(join(vocab, &ngram), lines)
    })
}

/// An n-gram given in two lines.
fn duplicate(ngram: String, [earlier, later]: [u32; 2]) -> Error {
    let known = |line: u32| (line > 0).then_some(line as usize);
    let problem = ArpaFileProblem::Duplicate { ngram: excerpt(&ngram), earlier: known(earlier) };
    Error::ArpaFile { path: None, line: known(later), problem }
}

fn join(vocab: &Vocab, ngram: &[Token]) -> String {
    let words: Vec<&str> = ngram.iter().map(|&token| vocab.name(token)).collect();
    excerpt(&words.join(" "))
}

/// Reads the next line that is not blank, which must be there.
fn require(lines: &mut Lines<'_>, what: &str) -> Result<()> {
    if lines.advance()? {
        return Ok(());
    }
    Err(at(lines.number().max(1), ArpaFileProblem::UnexpectedEnd { what: what.to_owned() }))
}

fn expect_line(lines: &Lines<'_>, line: &str) -> Result<()> {
    if lines.bytes() == line.as_bytes() { Ok(()) } else { Err(unexpected(lines, &format!("`{line}`"))) }
}

fn unexpected(lines: &Lines<'_>, expected: &str) -> Error {
    let found = excerpt(&String::from_utf8_lossy(lines.bytes()));
    lines.here(ArpaFileProblem::UnexpectedLine { expected: expected.to_owned(), found })
}

fn not_a_number(what: &'static str, found: &str) -> ArpaFileProblem {
    ArpaFileProblem::NotANumber { what, found: excerpt(found) }
}

/// The beginning of a text that may be long.
fn excerpt(text: &str) -> String {
    text.chars().take(80).collect()
}
