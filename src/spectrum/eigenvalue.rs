//! An eigenvalue, and by what it is large.

/// An eigenvalue of a transition matrix.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Eigenvalue {
    /// Real part.
    pub re: f64,
    /// Imaginary part; of a pair the positive one comes first.
    pub im: f64,
}

impl Eigenvalue {
    /// Its modulus, between 0 and 1 up to rounding.
    pub fn modulus(&self) -> f64 {
        self.re.hypot(self.im)
    }

    /// Implied timescale `-1 / ln(modulus)`, in steps: the time in which what
    /// belongs to the eigenvalue falls to 1/e. Zero for modulus 0, infinite for modulus 1.
    pub fn implied_timescale(&self) -> f64 {
        self.modulus().min(1.0).ln().abs().recip()
    }

    /// The eigenvalue of the chain that is only looked at every so many steps:
    /// its power.
    pub fn power(&self, steps: u32) -> Self {
        let power = nalgebra::Complex::new(self.re, self.im).powu(steps);
        Self { re: power.re, im: power.im }
    }
}

/// What makes an eigenvalue come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum SpectralOrder {
    /// The largest modulus: what decays last, rotations included.
    #[default]
    Modulus,
    /// The largest real part: what stays near where it is. A cycle of states
    /// has eigenvalues of modulus 1 all around the circle, of which only those
    /// near 1 belong to sets that are left slowly.
    RealPart,
}

impl SpectralOrder {
    /// The number by which an eigenvalue is sorted, largest first.
    pub fn key(self, eigenvalue: Eigenvalue) -> f64 {
        match self {
            Self::Modulus => eigenvalue.modulus(),
            Self::RealPart => eigenvalue.re,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_has_the_timescale_of_the_eigenvalue_in_its_own_steps() {
        let eigenvalue = Eigenvalue { re: 0.6, im: -0.7 };
        let seven = eigenvalue.power(7).implied_timescale() * 7.0;
        assert!((seven / eigenvalue.implied_timescale() - 1.0).abs() < 1e-14);
        assert_eq!(Eigenvalue { re: -1.0, im: 0.0 }.implied_timescale(), f64::INFINITY);
        assert_eq!(Eigenvalue { re: 0.0, im: 0.0 }.implied_timescale(), 0.0);
    }
}
