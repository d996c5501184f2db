//! Probable primality, by the test of Miller and Rabin (FIPS 186-5, appendix B.3.1).

use aws_lc_rs::rand;
use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, Odd};
use zeroize::Zeroizing;

use crate::model::{Error, Result};

/// A composite number passes one round with a probability of at most 1/4, however it was chosen,
/// because the bases are random and ours: 2^-64 for all rounds. An honest one fails the first.
const ROUNDS: usize = 32;

/// Whether a number is prime, as far as random bases tell.
///
/// # Errors
/// `Internal` where there are no random numbers.
pub(super) fn is_probably_prime(candidate: &BoxedUint) -> Result<bool> {
    // Below 9 bits the bases would be too few to choose from; no such number is asked for.
    let bits = candidate.bits();
    let Some(odd) = Odd::new(candidate.clone()).into_option().filter(|_| bits > 8) else {
        return Ok(false);
    };
    let modulus = BoxedMontyParams::new(odd);
    let one = BoxedMontyForm::one(&modulus);
    let minus_one = Zeroizing::new(-&one);
    // candidate - 1 = 2^twos * rest, with rest odd
    let below = Zeroizing::new(candidate.wrapping_sub(BoxedUint::one()));
    let twos = below.trailing_zeros();
    let rest = Zeroizing::new(below.unbounded_shr(twos));
    for _ in 0..ROUNDS {
        let base = BoxedMontyForm::new(random_below(bits, candidate.bits_precision())?, &modulus);
        let mut power = Zeroizing::new(base.pow(&rest));
        let mut passed = *power == one || *power == *minus_one;
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

/// A random number of at least 2 and below `2^(bits - 1)`, thus below any number of that many bits.
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

    fn number(hex: &str) -> BoxedUint {
        let bits = u32::try_from(hex.len() * 4).unwrap().next_multiple_of(64);
        BoxedUint::from_be_hex(&format!("{hex:0>1$}", "", bits as usize / 4), bits).unwrap()
    }

    #[test]
    fn knows_primes_from_composites() {
        // 2^127 - 1, 2^255 - 19, the order of P-256
        for prime in [
            "7fffffffffffffffffffffffffffffff",
            "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed",
            "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
        ] {
            assert!(is_probably_prime(&number(prime)).unwrap(), "{prime}");
        }
    }
}
