//! Short sequences of tokens as numbers that sort like them.

/// A sequence of up to `places` digits of some bits each, the first token in
/// the highest place; a sequence that ends before has zeros behind it. Digits
/// are tokens plus one, so that a sequence sorts before those that go on.
pub(crate) trait Key: Copy + Ord + Send + Sync + 'static {
    /// Width of the number.
    const BITS: u32;

    /// Bytes that [`write`](Self::write) writes.
    const BYTES: usize = Self::BITS as usize / 8;

    /// The empty sequence.
    const EMPTY: Self;

    /// Puts a digit before the sequence; what was in the last place is lost.
    fn prepend(self, digit: u32, layout: Layout) -> Self;

    /// The digit in a place, counted from the first.
    fn digit(self, place: u32, layout: Layout) -> u32;

    fn write(self, bytes: &mut [u8]);

    fn read(bytes: &[u8]) -> Self;
}

/// How digits lie in a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Bits a digit.
    pub(super) bits: u32,
    /// Digits a key.
    pub(super) places: u32,
}

impl Layout {
    /// For sequences of up to `places` tokens of a vocabulary.
    pub(super) fn new(vocabulary_size: usize, places: usize) -> Self {
        // The largest digit is the vocabulary size.
        let bits = usize::BITS - vocabulary_size.leading_zeros();
        Self { bits, places: u32::try_from(places).unwrap_or(u32::MAX) }
    }

    /// Width of the numbers needed.
    pub(super) fn width(self) -> u32 {
        self.bits.saturating_mul(self.places)
    }

    /// How far a place is from the low end.
    fn shift(self, place: u32) -> u32 {
        self.bits * (self.places - 1 - place)
    }

    fn mask(self) -> u64 {
        (1 << self.bits) - 1
    }
}

macro_rules! primitive_key {
    ($number:ty) => {
        impl Key for $number {
            const BITS: u32 = <$number>::BITS;
            const EMPTY: Self = 0;

            fn prepend(self, digit: u32, layout: Layout) -> Self {
                self.checked_shr(layout.bits).unwrap_or(0) | <$number>::from(digit) << layout.shift(0)
            }

            fn digit(self, place: u32, layout: Layout) -> u32 {
                ((self >> layout.shift(place)) as u64 & layout.mask()) as u32
            }

            fn write(self, bytes: &mut [u8]) {
                bytes.copy_from_slice(&self.to_le_bytes());
            }

            fn read(bytes: &[u8]) -> Self {
                bytes.iter().rev().fold(0, |number, &byte| number << 8 | <$number>::from(byte))
            }
        }
    };
}

primitive_key!(u64);
primitive_key!(u128);

/// A number of 256 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Wide {
    high: u128,
    low: u128,
}

impl Wide {
    fn shifted_right(self, bits: u32) -> Self {
        match bits {
            0 => self,
            1..128 => Self { high: self.high >> bits, low: self.low >> bits | self.high << (128 - bits) },
            _ => Self { high: 0, low: self.high.checked_shr(bits - 128).unwrap_or(0) },
        }
    }

    fn shifted_left(digit: u32, bits: u32) -> Self {
        let digit = u128::from(digit);
        match bits {
            0 => Self { high: 0, low: digit },
            1..128 => Self { high: digit >> (128 - bits), low: digit << bits },
            _ => Self { high: digit << (bits - 128), low: 0 },
        }
    }
}

impl Key for Wide {
    const BITS: u32 = 256;
    const EMPTY: Self = Self { high: 0, low: 0 };

    fn prepend(self, digit: u32, layout: Layout) -> Self {
        let (rest, first) = (self.shifted_right(layout.bits), Self::shifted_left(digit, layout.shift(0)));
        Self { high: rest.high | first.high, low: rest.low | first.low }
    }

    fn digit(self, place: u32, layout: Layout) -> u32 {
        (self.shifted_right(layout.shift(place)).low as u64 & layout.mask()) as u32
    }

    fn write(self, bytes: &mut [u8]) {
        let (low, high) = bytes.split_at_mut(16);
        self.low.write(low);
        self.high.write(high);
    }

    fn read(bytes: &[u8]) -> Self {
        let (low, high) = bytes.split_at(16);
        Self { high: u128::read(high), low: u128::read(low) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The key of a sequence.
    fn key<K: Key>(tokens: &[u32], layout: Layout) -> K {
        let kept = &tokens[..tokens.len().min(layout.places as usize)];
        kept.iter().rev().fold(K::EMPTY, |key, token| key.prepend(token + 1, layout))
    }

    fn check<K: Key + std::fmt::Debug>(a: &[u32], b: &[u32], vocabulary_size: usize, places: usize) {
        let layout = Layout::new(vocabulary_size, places);
        if layout.width() > K::BITS {
            return;
        }
        let (a, b) = (&a[..a.len().min(places)], &b[..b.len().min(places)]);
        let (first, second) = (key::<K>(a, layout), key::<K>(b, layout));
        assert_eq!(first.cmp(&second), a.cmp(b));
        for place in 0..layout.places {
            let digit = a.get(place as usize).map_or(0, |token| token + 1);
            assert_eq!(first.digit(place, layout), digit);
        }
        let mut bytes = vec![0; K::BYTES];
        first.write(&mut bytes);
        assert_eq!(K::read(&bytes), first);
    }

    proptest! {
        #[test]
        fn keys_sort_as_their_sequences_and_give_them_back(
            vocabulary_size in prop::sample::select(vec![1, 2, 3, 4, 1000, 1 << 20, u32::MAX as usize]),
            a in prop::collection::vec(any::<u32>(), 0..9),
            b in prop::collection::vec(any::<u32>(), 0..9),
            common in 0..9usize,
            places in 1..9usize,
        ) {
            let within = |tokens: &[u32]| -> Vec<u32> {
                tokens.iter().map(|token| (u64::from(*token) % vocabulary_size as u64) as u32).collect()
            };
            let (a, mut b) = (within(&a), within(&b));
            let common = common.min(a.len()).min(b.len());
            b[..common].copy_from_slice(&a[..common]);
            check::<u64>(&a, &b, vocabulary_size, places);
            check::<u128>(&a, &b, vocabulary_size, places);
            check::<Wide>(&a, &b, vocabulary_size, places);
        }
    }
}
