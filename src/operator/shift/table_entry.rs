//! What a table may be made of.

/// A number that a table may be stored in.
pub trait TableEntry: Copy + Send + Sync + 'static {
    /// The relative rounding of an entry, where that is coarser than the sums of
    /// rows are; else zero. Rows of such entries are divided by their sums.
    const ROUNDING: f64;

    /// The entry in double precision.
    fn widen(self) -> f64;
}

impl TableEntry for f64 {
    const ROUNDING: f64 = 0.0;

    fn widen(self) -> f64 {
        self
    }
}

impl TableEntry for f32 {
    const ROUNDING: f64 = f32::EPSILON as f64;

    fn widen(self) -> f64 {
        f64::from(self)
    }
}

/// The bytes of an `f64`, the least significant first.
impl TableEntry for [u8; 8] {
    const ROUNDING: f64 = f64::ROUNDING;

    fn widen(self) -> f64 {
        f64::from_le_bytes(self)
    }
}

/// The bytes of an `f32`, the least significant first.
impl TableEntry for [u8; 4] {
    const ROUNDING: f64 = f32::ROUNDING;

    fn widen(self) -> f64 {
        f64::from(f32::from_le_bytes(self))
    }
}

/// A probability in single precision. One too small for it becomes the smallest
/// normal number, 2^-126, not zero: what can happen still can.
pub fn round_to_f32(probability: f64) -> f32 {
    let rounded = probability as f32;
    if probability > 0.0 { rounded.max(f32::MIN_POSITIVE) } else { rounded }
}
