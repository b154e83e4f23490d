//! Cutting text into tokens.

use std::sync::LazyLock;

use unicode_segmentation::UnicodeSegmentation;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Byte,
    Character,
    Word,
    Field,
}

/// Cuts text into pieces, each the name of a token.
///
/// # Example
///
/// ```
/// use lmchain::text::Tokenizer;
///
/// let text = "Don't panic, Ford.";
/// assert_eq!(Tokenizer::words().tokenize(text), ["Don't", "panic", ",", "Ford", "."]);
/// assert_eq!(Tokenizer::whitespace().lower_case(true).tokenize(text), ["don't", "panic,", "ford."]);
/// assert_eq!(Tokenizer::characters().tokenize("né\n"), ["n", "é", "\n"]);
/// assert_eq!(Tokenizer::bytes().tokenize("né\n"), ["n", "<0xC3>", "<0xA9>", "<0x0A>"]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokenizer {
    unit: Unit,
    lower_case: bool,
}

impl Tokenizer {
    fn new(unit: Unit) -> Self {
        Self { unit, lower_case: false }
    }

    /// Every byte of the UTF-8 text is a token. Printable ASCII is named by
    /// itself (the space too), any other byte like `<0x0A>`.
    pub fn bytes() -> Self {
        Self::new(Unit::Byte)
    }

    /// Every Unicode scalar value is a token, line ends and spaces too.
    pub fn characters() -> Self {
        Self::new(Unit::Character)
    }

    /// Segments between the word boundaries of Unicode Standard Annex 29;
    /// whitespace is dropped, punctuation marks are tokens of their own.
    pub fn words() -> Self {
        Self::new(Unit::Word)
    }

    /// What lies between whitespace, as `str::split_whitespace`.
    ///
    /// Python's `str.split()` does the same, except that it also splits at
    /// the four ASCII information separators U+001C to U+001F, which Unicode
    /// does not count as white space.
    pub fn whitespace() -> Self {
        Self::new(Unit::Field)
    }

    /// Whether pieces are turned to lower case after they are cut; off at first.
    ///
    /// The full Unicode mapping is used. It acts on whole words, or on single
    /// characters where these are the tokens; a character may become several.
    #[must_use]
    pub fn lower_case(mut self, lower_case: bool) -> Self {
        self.lower_case = lower_case;
        self
    }

    /// The pieces of a complete text.
    pub fn tokenize(&self, text: &str) -> Vec<String> {
        let mut pieces = Vec::new();
        self.for_each_piece(text, |piece| pieces.push(piece.to_owned()));
        pieces
    }

    /// Hands out the pieces of a complete text, one after another.
    pub fn for_each_piece(&self, text: &str, mut visit: impl FnMut(&str)) {
        let done: Result<(), std::convert::Infallible> = self.try_for_each_piece(text, |piece| {
            visit(piece);
            Ok(())
        });
        match done {
            Ok(()) => {}
        }
    }

    /// As [`for_each_piece`](Self::for_each_piece), up to the first error.
    pub(crate) fn try_for_each_piece<E>(
        &self,
        text: &str,
        mut visit: impl FnMut(&str) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut utf8 = [0; 4];
        match (self.unit, self.lower_case) {
            (Unit::Byte, false) => text.bytes().try_for_each(|byte| visit(byte_name(byte))),
            (Unit::Byte, true) => text.chars().flat_map(char::to_lowercase).try_for_each(|character| {
                character.encode_utf8(&mut utf8).bytes().try_for_each(|byte| visit(byte_name(byte)))
            }),
            (Unit::Character, false) => {
                text.chars().try_for_each(|character| visit(character.encode_utf8(&mut utf8)))
            }
            (Unit::Character, true) => text
                .chars()
                .flat_map(char::to_lowercase)
                .try_for_each(|character| visit(character.encode_utf8(&mut utf8))),
            (Unit::Word, _) => text
                .split_word_bounds()
                .filter(|segment| !segment.chars().all(char::is_whitespace))
                .try_for_each(|segment| self.visit_word(segment, &mut visit)),
            (Unit::Field, _) => {
                text.split_whitespace().try_for_each(|segment| self.visit_word(segment, &mut visit))
            }
        }
    }

    fn visit_word<E>(&self, word: &str, visit: &mut impl FnMut(&str) -> Result<(), E>) -> Result<(), E> {
        if self.lower_case { visit(&word.to_lowercase()) } else { visit(word) }
    }

    /// Up to which byte the start of a longer text can be cut without seeing more.
    ///
    /// The pieces of `text[..p]`, followed by those of the rest with whatever
    /// comes after it, are the pieces of the whole. For bytes and characters
    /// `p` is the length; for words it lies behind the last white space that
    /// surely ends a piece.
    pub fn split_point(&self, text: &str) -> usize {
        self.split_point_after(text, 0).unwrap_or(0)
    }

    /// The split point, if there is one behind byte `from`, a character boundary.
    ///
    /// Looks at `text[from..]` only, so that a stream need not look at the
    /// same bytes twice.
    pub(crate) fn split_point_after(&self, text: &str, from: usize) -> Option<usize> {
        match self.unit {
            Unit::Byte | Unit::Character => Some(text.len()),
            Unit::Field => {
                let (at, space) = text[from..].char_indices().rfind(|(_, c)| c.is_whitespace())?;
                Some(from + at + space.len_utf8())
            }
            Unit::Word => {
                // White space followed by a combining mark is one segment with it, and
                // the narrow no-break space joins digits: only a boundary counts. No
                // rule for a boundary beside white space looks further than one
                // character to either side.
                let mut after: Option<char> = None;
                for (at, character) in text[from..].char_indices().rev() {
                    if let Some(after) = after
                        && character.is_whitespace()
                        && is_boundary(character, after)
                    {
                        return Some(from + at + character.len_utf8());
                    }
                    after = Some(character);
                }
                None
            }
        }
    }

    /// Whether the tokens are single characters or bytes, which no later text can change.
    pub(crate) fn is_memoryless(&self) -> bool {
        matches!(self.unit, Unit::Byte | Unit::Character)
    }

    /// Readable text from the names of tokens.
    ///
    /// Characters are put side by side; so are bytes, and what is then not
    /// UTF-8 becomes U+FFFD. Fields are separated by spaces, and words too, but
    /// for the spaces before closing and after opening punctuation marks. The
    /// white space that [`words`](Self::words) and
    /// [`whitespace`](Self::whitespace) dropped does not come back.
    pub fn join<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> String {
        let names = names.into_iter();
        match self.unit {
            Unit::Byte => {
                let mut bytes = Vec::new();
                for name in names {
                    match named_byte(name) {
                        Some(byte) => bytes.push(byte),
                        None => bytes.extend_from_slice(name.as_bytes()),
                    }
                }
                String::from_utf8_lossy(&bytes).into_owned()
            }
            Unit::Character => names.collect(),
            Unit::Word | Unit::Field => {
                let closes = |name: &str| {
                    self.unit == Unit::Word
                        && matches!(name, "." | "," | ";" | ":" | "!" | "?" | ")" | "]" | "}")
                };
                let opens = |name: &str| self.unit == Unit::Word && matches!(name, "(" | "[" | "{");
                let mut text = String::new();
                let mut glue = true;
                for name in names {
                    if !glue && !closes(name) {
                        text.push(' ');
                    }
                    text.push_str(name);
                    glue = opens(name);
                }
                text
            }
        }
    }
}

/// Whether a word boundary lies between two characters that stand alone.
fn is_boundary(before: char, after: char) -> bool {
    let mut pair = String::with_capacity(8);
    pair.push(before);
    pair.push(after);
    pair.split_word_bounds().next().is_some_and(|first| first.len() == before.len_utf8())
}

/// The name of a byte.
fn byte_name(byte: u8) -> &'static str {
    static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
        let name = |byte: u8| match byte {
            0x20..=0x7E => char::from(byte).to_string(),
            _ => format!("<0x{byte:02X}>"),
        };
        (0..=u8::MAX).map(name).collect()
    });
    &NAMES[byte as usize]
}

/// The byte with this name.
fn named_byte(name: &str) -> Option<u8> {
    match name.as_bytes() {
        [byte @ 0x20..=0x7E] => Some(*byte),
        [b'<', b'0', b'x', digits @ .., b'>']
            if digits.len() == 2 && digits.iter().all(u8::is_ascii_hexdigit) =>
        {
            u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all() -> [Tokenizer; 4] {
        [Tokenizer::bytes(), Tokenizer::characters(), Tokenizer::words(), Tokenizer::whitespace()]
    }

    /// Text rich in what makes word boundaries hard.
    fn awkward() -> impl Strategy<Value = String> {
        let marks = prop::sample::select(vec![
            ' ',
            '\n',
            '\r',
            '\t',
            '\u{301}',
            '\u{200D}',
            '\u{AD}',
            '\u{202F}',
            '\u{A0}',
            '\u{3000}',
            'a',
            'Σ',
            '1',
            ',',
            '.',
            '\'',
            '_',
            '\u{1F1E6}',
            '\u{1F469}',
            'ひ',
            'カ',
            'א',
            '"',
            '\u{85}',
            '\u{2028}',
        ]);
        prop::collection::vec(marks, 0..24).prop_map(String::from_iter)
    }

    proptest! {
        #[test]
        fn a_text_cut_at_the_split_point_has_the_same_pieces(start in awkward(), more in awkward()) {
            for tokenizer in all().into_iter().flat_map(|t| [t.clone(), t.lower_case(true)]) {
                let split = tokenizer.split_point(&start);
                let whole = format!("{start}{more}");
                let mut parts = tokenizer.tokenize(&whole[..split]);
                parts.extend(tokenizer.tokenize(&whole[split..]));
                prop_assert_eq!(parts, tokenizer.tokenize(&whole), "{:?} at {}", tokenizer, split);
            }
        }

        #[test]
        fn bytes_and_characters_join_to_the_text(text in ".*") {
            for tokenizer in [Tokenizer::bytes(), Tokenizer::characters()] {
                let pieces = tokenizer.tokenize(&text);
                prop_assert_eq!(tokenizer.join(pieces.iter().map(String::as_str)), text.as_str());
            }
        }
    }

    #[test]
    fn every_byte_has_a_name_of_its_own() {
        for byte in 0..=u8::MAX {
            assert_eq!(named_byte(byte_name(byte)), Some(byte));
        }
        assert_eq!(named_byte("<unk>"), None);
        assert_eq!(named_byte("<0x+1>"), None);
    }

    #[test]
    fn the_split_lies_behind_the_last_white_space_that_ends_a_piece() {
        assert_eq!(Tokenizer::whitespace().split_point("ab cd"), 3);
        assert_eq!(Tokenizer::whitespace().split_point("ab "), 3);
        assert_eq!(Tokenizer::whitespace().split_point("ab"), 0);
        assert_eq!(Tokenizer::words().split_point("ab cd"), 3);
        assert_eq!(Tokenizer::words().split_point("ab "), 0, "a combining mark may follow");
        assert_eq!(Tokenizer::characters().split_point("ab"), 2);
    }

    #[test]
    fn lower_case_follows_unicode() {
        let lower = |tokenizer: Tokenizer, text| tokenizer.lower_case(true).tokenize(text);
        assert_eq!(lower(Tokenizer::whitespace(), "ΟΔΟΣ Ä"), ["οδος", "ä"]);
        assert_eq!(lower(Tokenizer::characters(), "İ"), ["i", "\u{307}"]);
        assert_eq!(lower(Tokenizer::bytes(), "AÄ"), ["a", "<0xC3>", "<0xA4>"]);
    }

    #[test]
    fn words_join_without_spaces_before_full_stops() {
        let tokenizer = Tokenizer::words();
        let text = "Yes (I said), stop! Go.";
        assert_eq!(tokenizer.join(tokenizer.tokenize(text).iter().map(String::as_str)), text);
        assert_eq!(Tokenizer::whitespace().join(["a", ",", "b"]), "a , b");
        assert_eq!(Tokenizer::bytes().join(["<0xC3>", "a", "</s>"]), "\u{FFFD}a</s>");
    }
}
