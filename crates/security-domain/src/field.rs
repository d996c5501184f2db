//! Arithmetic in the field of integers modulo 257. Runs in constant time: the modulus is a constant, and nothing
//! branches on values.

/// An integer modulo 257.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Element(u16);

/// The number of elements.
const ORDER: u16 = 257;

impl Element {
    pub(crate) const ZERO: Self = Self(0);
    pub(crate) const ONE: Self = Self(1);

    /// Returns the element, or `None` if the number is not below 257.
    pub(crate) fn new(value: u16) -> Option<Self> {
        (value < ORDER).then_some(Self(value))
    }

    pub(crate) const fn value(self) -> u16 {
        self.0
    }

    pub(crate) const fn plus(self, other: Self) -> Self {
        Self((self.0 + other.0) % ORDER)
    }

    pub(crate) const fn minus(self, other: Self) -> Self {
        Self((self.0 + ORDER - other.0) % ORDER)
    }

    pub(crate) const fn times(self, other: Self) -> Self {
        // Below 257, so that the result fits.
        Self(((self.0 as u32 * other.0 as u32) % ORDER as u32) as u16)
    }

    /// The multiplicative inverse: the power with exponent 255 (Fermat). That of zero is zero.
    pub(crate) const fn inverse(self) -> Self {
        let mut power = self;
        let mut step = 0;
        while step < 7 {
            power = power.times(power).times(self);
            step += 1;
        }
        power
    }
}

impl From<u8> for Element {
    fn from(value: u8) -> Self {
        Self(value.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inverse_of_every_element_is_correct() {
        for value in 1..ORDER {
            let element = Element(value);
            assert!(element.times(element.inverse()) == Element::ONE);
            assert!(element.minus(element) == Element::ZERO);
            assert!(element.plus(Element::ONE).value() == (value + 1) % ORDER);
        }
        assert!(Element::new(ORDER).is_none());
    }
}
