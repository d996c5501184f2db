//! Secret sharing: divides a master secret into shares, of which a quorum recovers it (Shamir, *How to share a secret*,
//! 1979), byte by byte in the field of 257 elements.
//!
//! A share has one word for each byte of the secret: 16 bits, little-endian, `(x << 9) | y`, where `x` is the number of
//! the share, 1 to 126, and `y` a value of the byte's polynomial. This is what azure-cli decodes (`byte_shares.py`,
//! `Share.from_uint16`); its encoder, which no command uses, shifts by 8.

use aws_lc_rs::rand;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::field::Element;
use crate::master_secret::{MasterSecret, SECRET_BYTES};

/// The length of an encoded share.
const SHARE_BYTES: usize = 2 * SECRET_BYTES;
/// The largest number of a share.
const MAX_NUMBER: u8 = 126;
/// The bits of a word that contain the value.
const VALUE_BITS: u32 = 9;

/// One share of a master secret.
pub(crate) struct Share {
    number: u8,
    encoded: Zeroizing<[u8; SHARE_BYTES]>,
}

impl Share {
    /// Parses a share. `None` if its length, its number or a value is not permitted.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut encoded = Zeroizing::new([0; SHARE_BYTES]);
        (bytes.len() == SHARE_BYTES).then(|| encoded.copy_from_slice(bytes))?;
        let words = || encoded.chunks_exact(2).map(|word| u16::from_le_bytes([word[0], word[1]]));
        let number = u8::try_from(words().next()? >> VALUE_BITS).ok()?;
        let valid = (1..=MAX_NUMBER).contains(&number)
            && words().all(|word| word >> VALUE_BITS == u16::from(number) && value(word).is_some());
        valid.then_some(Self { number, encoded })
    }

    /// The number of the share, different for each.
    pub(crate) const fn number(&self) -> u8 {
        self.number
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &*self.encoded
    }

    fn value(&self, position: usize) -> Option<Element> {
        let word = self.encoded.get(2 * position..2 * position + 2)?;
        value(u16::from_le_bytes([word[0], word[1]]))
    }
}

fn value(word: u16) -> Option<Element> {
    Element::new(word & ((1 << VALUE_BITS) - 1))
}

/// Divides a secret into shares, numbered from 1, of which `quorum` recover it. The caller has checked both numbers.
pub(crate) fn split(secret: &MasterSecret, quorum: usize, shares: u8) -> Result<Vec<Share>, Error> {
    let mut made: Vec<Share> = (1..=shares.min(MAX_NUMBER))
        .map(|number| Share { number, encoded: Zeroizing::new([0; SHARE_BYTES]) })
        .collect();
    for (position, byte) in secret.as_bytes().iter().enumerate() {
        // The coefficients of the highest power first; the secret is the constant term.
        let mut coefficients = Zeroizing::new([0_u16; 10]);
        let random = coefficients.get_mut(1..quorum).ok_or(Error::Library)?;
        for coefficient in random {
            *coefficient = random_element()?.value();
        }
        for share in &mut made {
            let x = Element::from(share.number);
            let mut y = Element::ZERO;
            for coefficient in &coefficients[1..quorum] {
                y = y.plus(Element::new(*coefficient).ok_or(Error::Library)?).times(x);
            }
            let word = u16::from(share.number) << VALUE_BITS | y.plus(Element::from(*byte)).value();
            share.encoded[2 * position..2 * position + 2].copy_from_slice(&word.to_le_bytes());
        }
    }
    Ok(made)
}

/// Recovers the secret from shares with different numbers, as many as the quorum (Lagrange interpolation at 0).
///
/// `None` if they are not shares of one secret. Most combinations of foreign shares result in some other secret.
pub(crate) fn combine(shares: &[Share]) -> Option<MasterSecret> {
    let mut secret = Zeroizing::new([0; SECRET_BYTES]);
    for (position, byte) in secret.iter_mut().enumerate() {
        let mut sum = Element::ZERO;
        for share in shares {
            let x = Element::from(share.number);
            let (mut numerator, mut denominator) = (Element::ONE, Element::ONE);
            for other in shares.iter().filter(|other| other.number != share.number) {
                let other = Element::from(other.number);
                numerator = numerator.times(other);
                denominator = denominator.times(other.minus(x));
            }
            sum = sum.plus(share.value(position)?.times(numerator).times(denominator.inverse()));
        }
        *byte = u8::try_from(sum.value()).ok()?;
    }
    Some(MasterSecret::from_bytes(secret))
}

/// A uniformly distributed element, by rejection.
fn random_element() -> Result<Element, Error> {
    loop {
        let mut bytes = Zeroizing::new([0; 2]);
        rand::fill(&mut *bytes).map_err(|_| Error::Library)?;
        if let Some(element) = value(u16::from_le_bytes(*bytes)) {
            return Ok(element);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_quorum_recovers_the_secret(
            secret: [u8; SECRET_BYTES],
            (quorum, chosen) in (2..=10_usize)
                .prop_flat_map(|quorum| (Just(quorum), proptest::sample::subsequence((0..10).collect::<Vec<_>>(), quorum))),
        ) {
            let secret = MasterSecret::from_bytes(Zeroizing::new(secret));
            let shares = split(&secret, quorum, 10).unwrap();
            let chosen: Vec<Share> =
                chosen.into_iter().map(|index| Share::parse(shares[index].as_bytes()).unwrap()).collect();
            prop_assert!(combine(&chosen).as_ref() == Some(&secret));
            prop_assert!(combine(&chosen[1..]).as_ref() != Some(&secret));
        }

        #[test]
        fn parses_any_bytes_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Some(share) = Share::parse(&bytes) {
                prop_assert_eq!(share.as_bytes(), &bytes[..]);
            }
        }
    }

    #[test]
    fn rejects_invalid_numbers_and_values() {
        let share = |word: u16| Share::parse(&word.to_le_bytes().repeat(SECRET_BYTES));
        assert!(share(1 << 9 | 256).is_some_and(|share| share.number() == 1));
        for word in [1 << 9 | 257, 1 << 9 | 511, 255, 127 << 9] {
            assert!(share(word).is_none(), "{word}");
        }
        let mut mixed = (1_u16 << 9).to_le_bytes().repeat(SECRET_BYTES);
        mixed[1] = 4;
        assert!(Share::parse(&mixed).is_none());
    }

    #[test]
    fn combined_value_256_is_no_secret() {
        let share =
            |number: u16| Share::parse(&(number << 9 | 256).to_le_bytes().repeat(SECRET_BYTES)).unwrap();
        assert!(combine(&[share(1), share(2)]).is_none());
    }
}
