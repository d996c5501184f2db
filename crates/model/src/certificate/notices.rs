//! The notices that the service gives once per version of a certificate.

use serde::{Deserialize, Serialize};

/// A notice that is given once per version.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum CertificateNotice {
    /// The event that the version expires soon was emitted.
    NearExpiry,
    /// The event that the version has expired was emitted.
    Expired,
    /// The event that the contacts are to be notified was emitted.
    ContactsNotified,
}

/// The notices given for a version, stored as a bit mask.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct CertificateNotices(u8);

impl CertificateNotice {
    const ALL: [Self; 3] = [Self::NearExpiry, Self::Expired, Self::ContactsNotified];

    const fn bit(self) -> u8 {
        match self {
            Self::NearExpiry => 1,
            Self::Expired => 2,
            Self::ContactsNotified => 4,
        }
    }
}

impl CertificateNotices {
    /// Creates a set from stored bits; unknown bits are dropped.
    pub fn from_bits(bits: u8) -> Self {
        let known = CertificateNotice::ALL.into_iter().filter(|notice| bits & notice.bit() != 0);
        known.fold(Self::default(), Self::with)
    }

    /// Returns the bits to store.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether the notice was given.
    pub const fn contains(self, notice: CertificateNotice) -> bool {
        self.0 & notice.bit() != 0
    }

    /// Returns the set with `notice` added.
    #[must_use]
    pub const fn with(self, notice: CertificateNotice) -> Self {
        Self(self.0 | notice.bit())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_are_a_bit_set() {
        let two = CertificateNotices::default()
            .with(CertificateNotice::NearExpiry)
            .with(CertificateNotice::ContactsNotified);
        assert_eq!(CertificateNotices::from_bits(two.bits()), two);
        assert!(!two.contains(CertificateNotice::Expired) && two.contains(CertificateNotice::NearExpiry));
        assert_eq!(CertificateNotices::from_bits(0xf8), CertificateNotices::default());
    }
}
