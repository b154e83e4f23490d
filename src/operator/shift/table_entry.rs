//! What a table may be made of.

/// A number that a table may be stored in.
pub trait TableEntry: Copy + Send + Sync + 'static {
    /// The entry in double precision.
    fn widen(self) -> f64;
}

impl TableEntry for f64 {
    fn widen(self) -> f64 {
        self
    }
}

impl TableEntry for f32 {
    fn widen(self) -> f64 {
        f64::from(self)
    }
}

/// A probability in single precision. One too small for it becomes the smallest
/// normal number, 2^-126, not zero: what can happen still can.
pub fn round_to_f32(probability: f64) -> f32 {
    let rounded = probability as f32;
    if probability > 0.0 { rounded.max(f32::MIN_POSITIVE) } else { rounded }
}
