//! The Miller-Rabin primality test (FIPS 186-5, appendix B.3.1).

use aws_lc_rs::rand;
use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, Odd};
use zeroize::Zeroizing;

use crate::model::{Error, Result};

/// The number of rounds. A composite, even an adversarial one, passes one round with a probability of
/// at most 1/4 because the bases are random: 2^-64 for all rounds.
const ROUNDS: usize = 32;

/// Whether a number is probably prime, tested with random bases.
///
/// # Errors
/// `Internal` if the random number generator fails.
pub(super) fn is_probably_prime(candidate: &BoxedUint) -> Result<bool> {
    // Below 9 bits there are too few bases to choose from; callers only test larger numbers.
    let bits = candidate.bits();
    let Some(odd) = Odd::new(candidate.clone()).into_option().filter(|_| bits > 8) else {
        return Ok(false);
    };
    let modulus = BoxedMontyParams::new(odd);
    let one = Zeroizing::new(BoxedMontyForm::one(&modulus));
    let minus_one = Zeroizing::new(-&*one);
    // candidate - 1 = 2^twos * rest, with rest odd
    let below = Zeroizing::new(candidate.wrapping_sub(BoxedUint::one()));
    let twos = below.trailing_zeros();
    let rest = Zeroizing::new(below.unbounded_shr(twos));
    for _ in 0..ROUNDS {
        let base = BoxedMontyForm::new(random_below(bits, candidate.bits_precision())?, &modulus);
        let mut power = Zeroizing::new(base.pow(&rest));
        let mut passed = *power == *one || *power == *minus_one;
        for _ in 1..twos {
            if passed {
                break;
            }
            *power = power.square();
            passed = *power == *minus_one;
        }
        if !passed {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Returns a random number of at least 2 and below `2^(bits - 1)`, thus below any number of that many bits.
fn random_below(bits: u32, precision: u32) -> Result<BoxedUint> {
    let mut bytes = vec![0; precision.div_ceil(8) as usize];
    rand::fill(&mut bytes).map_err(Error::internal)?;
    if let Some(last) = bytes.last_mut() {
        *last |= 2;
    }
    let number = BoxedUint::from_be_slice_truncated(&bytes, precision);
    Ok(number.unbounded_shl(precision - (bits - 1)).unbounded_shr(precision - (bits - 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(decimal: &str) -> BoxedUint {
        BoxedUint::from_str_radix_with_precision_vartime(decimal, 10, 128).unwrap()
    }

    #[test]
    fn accepts_primes() {
        // Includes a prime whose p - 1 has many factors of two, and 2^127 - 1 with only one.
        for prime in
            ["257", "65537", "4294967291", "18446744069414584321", "170141183460469231731687303715884105727"]
        {
            assert!(is_probably_prime(&number(prime)).unwrap(), "{prime}");
        }
    }

    #[test]
    fn rejects_composites() {
        for composite in [
            // too small, and even
            "0",
            "1",
            "2",
            "256",
            "65536",
            "18446744073709551616",
            // squares and products of primes
            "66049",
            "4295098369",
            "1099509530625",
            "340282366920938463463374607431768211455",
            // Carmichael numbers
            "561",
            "1729",
            "294409",
            "56052361",
            "118901521",
            // strong pseudoprimes to the first 4, 7, 9 and 12 prime bases
            "3215031751",
            "341550071728321",
            "3825123056546413051",
            "318665857834031151167461",
        ] {
            assert!(!is_probably_prime(&number(composite)).unwrap(), "{composite}");
        }
    }

    #[test]
    fn random_bases_are_in_range() {
        for bits in [9, 10, 63, 64, 65, 127, 128] {
            for _ in 0..100 {
                let base = random_below(bits, 128).unwrap();
                assert!(base > BoxedUint::one() && base.bits() < bits, "{bits}");
            }
        }
    }
}
