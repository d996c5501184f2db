//! Tests the validation of imported keys: valid keys are accepted, errors name the invalid member.

use proptest::prelude::*;
use rsa::BigUint;
use strongroom::model::Error;
use strongroom::model::import::ImportMaterial;
use strongroom::model::key::{Curve, PublicMaterial};
use strongroom::public_key::validate;

use crate::keys::{
    self, Ec, Rsa, all_rsa, difference, field, flip_bit, order, rsa_2048, rsa_2048_e3, rsa_3072, widen,
};

/// Returns a member by its name in the request.
fn member<'a>(key: &'a mut Rsa, name: &str) -> &'a mut Vec<u8> {
    match name {
        "key.n" => &mut key.n,
        "key.e" => &mut key.e,
        "key.d" => &mut key.d,
        "key.p" => &mut key.p,
        "key.q" => &mut key.q,
        "key.dp" => &mut key.dp,
        "key.dq" => &mut key.dq,
        "key.qi" => &mut key.qi,
        _ => panic!("{name}"),
    }
}

const MEMBERS: [&str; 8] = ["key.n", "key.e", "key.d", "key.p", "key.q", "key.dp", "key.dq", "key.qi"];

/// The key with one member replaced.
fn with(key: &Rsa, name: &str, value: Vec<u8>) -> ImportMaterial {
    let mut changed = key.clone();
    *member(&mut changed, name) = value;
    changed.import()
}

/// Computes a key from two primes.
fn from_primes(p: &BigUint, q: &BigUint, e: u32) -> Rsa {
    let one = BigUint::from(1u8);
    let (p_less_one, q_less_one) = (p - &one, q - &one);
    let e = BigUint::from(e);
    let d = inverse(&e, &(&p_less_one * &q_less_one));
    Rsa {
        name: "made",
        n: (p * q).to_bytes_be(),
        e: e.to_bytes_be(),
        d: d.to_bytes_be(),
        p: p.to_bytes_be(),
        q: q.to_bytes_be(),
        dp: (&d % &p_less_one).to_bytes_be(),
        dq: (&d % &q_less_one).to_bytes_be(),
        qi: inverse(q, p).to_bytes_be(),
    }
}

/// The modular inverse, by the extended Euclidean algorithm with coefficients modulo `modulus`.
fn inverse(number: &BigUint, modulus: &BigUint) -> BigUint {
    let (mut old, mut new) = (modulus.clone(), number % modulus);
    let (mut old_factor, mut new_factor) = (BigUint::from(0u8), BigUint::from(1u8));
    while new != BigUint::from(0u8) {
        let quotient = &old / &new;
        let next = &old - &quotient * &new;
        let next_factor = (&old_factor + modulus - (&quotient * &new_factor) % modulus) % modulus;
        (old, new) = (new, next);
        (old_factor, new_factor) = (new_factor, next_factor);
    }
    assert_eq!(old, BigUint::from(1u8), "not coprime");
    old_factor
}

fn number(bytes: &[u8]) -> BigUint {
    BigUint::from_bytes_be(bytes)
}

#[test]
fn accepts_rsa_keys_of_every_size_and_exponent() {
    for key in all_rsa() {
        assert_eq!(validate(&key.import()).unwrap(), key.public(), "{}", key.name);
    }
}

#[test]
fn leading_zeros_are_removed() {
    let key = rsa_2048();
    let mut padded = key.clone();
    for name in MEMBERS {
        member(&mut padded, name).splice(0..0, [0, 0, 0]);
    }
    assert_eq!(validate(&padded.import()).unwrap(), key.public());
}

#[test]
fn accepts_primes_in_either_order_with_matching_crt() {
    let key = rsa_2048();
    let (p, q) = (number(&key.p), number(&key.q));
    let swapped = from_primes(&q, &p, 65537);
    assert_eq!(validate(&swapped.import()).unwrap(), key.public());
    let half = Rsa { p: key.q.clone(), q: key.p.clone(), ..key.clone() };
    assert_eq!(field(validate(&half.import())), "key.dp");
    let half = Rsa { dp: key.dq.clone(), dq: key.dp.clone(), ..half };
    assert_eq!(field(validate(&half.import())), "key.qi");
}

#[test]
fn accepts_private_exponent_modulo_lcm_or_phi() {
    // Implementations reduce d modulo lcm(p-1, q-1), which divides half of (p-1)(q-1), or modulo (p-1)(q-1).
    let key = rsa_2048();
    let totient = (number(&key.p) - 1u8) * (number(&key.q) - 1u8);
    let other = (number(&key.d) + (&totient >> 1)) % &totient;
    assert_eq!(validate(&with(&key, "key.d", other.to_bytes_be())).unwrap(), key.public());
}

#[test]
fn every_jwk_member_is_required() {
    for name in MEMBERS {
        for nothing in [vec![], vec![0], vec![0; 128]] {
            assert_eq!(field(validate(&with(&rsa_2048(), name, nothing))), name);
        }
    }
}

#[test]
fn reports_member_with_flipped_bit() {
    let key = rsa_2048();
    for name in MEMBERS {
        let bytes = member(&mut key.clone(), name).clone();
        for bit in [0, 7, 9, 4 * bytes.len(), 8 * bytes.len() - 8, 8 * bytes.len() - 2] {
            let changed = with(&key, name, flip_bit(&bytes, bit));
            assert_eq!(field(validate(&changed)), name, "{name} bit {bit}");
        }
    }
}

#[test]
fn rejects_members_of_another_key() {
    let (key, mut other) = (rsa_2048(), from_primes(&number(&rsa_2048_e3().p), &number(&rsa_2048().q), 17));
    for name in ["key.n", "key.e", "key.d", "key.dp", "key.dq", "key.qi"] {
        let foreign = member(&mut other, name).clone();
        let found = validate(&with(&key, name, foreign));
        assert_eq!(field(found), name);
    }
    // Another key's prime is prime, but the product no longer equals the modulus.
    for name in ["key.p", "key.q"] {
        assert_eq!(field(validate(&with(&key, name, rsa_2048_e3().p))), "key.n");
    }
}

#[test]
fn rejects_wrong_lengths() {
    let key = rsa_2048();
    for name in MEMBERS {
        let bytes = member(&mut key.clone(), name).clone();
        let longer = [&[1], &bytes[..]].concat();
        let huge = vec![0xff; 1 << 20];
        for wrong in [bytes[..bytes.len() - 1].to_vec(), longer, huge] {
            assert_eq!(field(validate(&with(&key, name, wrong))), name, "{name}");
        }
    }
    assert_eq!(field(validate(&with(&key, "key.n", rsa_3072().n))), "key.p");
}

#[test]
fn rejects_even_or_long_public_exponents() {
    let key = rsa_2048();
    for wrong in [vec![1], vec![2], vec![1, 0, 0], vec![1, 0, 1, 0, 1]] {
        assert_eq!(field(validate(&with(&key, "key.e", wrong))), "key.e");
    }
}

#[test]
fn rejects_private_exponent_above_modulus() {
    let key = rsa_2048();
    let totient = (number(&key.p) - 1u8) * (number(&key.q) - 1u8);
    let beyond = number(&key.d) + &totient + &totient;
    for wrong in [key.n.clone(), widen(&beyond, beyond.to_bytes_be().len()), vec![1]] {
        assert_eq!(field(validate(&with(&key, "key.d", wrong))), "key.d");
    }
}

#[test]
fn rejects_unreduced_crt_members() {
    let key = rsa_2048_e3();
    let (p, q) = (number(&key.p), number(&key.q));
    for (name, beyond) in [
        ("key.dp", number(&key.dp) + &p - 1u8),
        ("key.dq", number(&key.dq) + &q - 1u8),
        ("key.qi", number(&key.qi) + &p),
    ] {
        assert_eq!(field(validate(&with(&key, name, beyond.to_bytes_be()))), name);
    }
}

#[test]
fn rejects_composite_primes() {
    let (key, other) = (rsa_2048(), rsa_2048_e3());
    let p = number(&key.p);
    // The product of two numbers of 512 bits, odd, with 1024 bits.
    let a = (BigUint::from(0xc1u8) << 504) + 1u8;
    let b = (BigUint::from(0xf3u8) << 504) + 3u8;
    let composite = &a * &b;
    assert_eq!(composite.bits(), 1024);
    let wrong = Rsa { n: (&p * &composite).to_bytes_be(), q: composite.to_bytes_be(), ..key.clone() };
    assert_eq!(field(validate(&wrong.import())), "key.q");
    let wrong = Rsa { n: (&p * &composite).to_bytes_be(), p: composite.to_bytes_be(), q: key.p, ..other };
    assert_eq!(field(validate(&wrong.import())), "key.p");
}

#[test]
fn rejects_carmichael_numbers() {
    // (6k+1)(12k+1)(18k+1) with three primes passes every Fermat test, and RSA with such a key works.
    let k = number(&keys::bytes(CHERNICK));
    let factors = [6u32, 12, 18].map(|factor| &k * factor + 1u8);
    let carmichael = &factors[0] * &factors[1] * &factors[2];
    assert_eq!(carmichael.bits(), 1024);
    let two = BigUint::from(2u8);
    assert_eq!(two.modpow(&(&carmichael - 1u8), &carmichael), BigUint::from(1u8));
    let key = from_primes(&carmichael, &number(&rsa_2048().p), 65537);
    assert_eq!(field(validate(&key.import())), "key.p");
}

/// A number k such that 6k+1, 12k+1 and 18k+1 are prime and their product has 1024 bits; found by search.
const CHERNICK: &str =
    concat!("035c1b2997931725b0a4f1e839fb0d78206c282b183b2ff4abaeaaccb3d45cf89bac94d5f9b12816", "08d399");

#[test]
fn rejects_equal_or_close_primes() {
    let key = rsa_2048();
    let p = number(&key.p);
    let square = Rsa { n: (&p * &p).to_bytes_be(), q: key.p.clone(), ..key.clone() };
    let found = validate(&square.import());
    // A square may have 2047 bits; the modulus is then rejected instead.
    assert!(["key.q", "key.n"].contains(&field(found)));
    let close = from_primes(&number(&keys::bytes(CLOSE_P)), &number(&keys::bytes(CLOSE_Q)), 65537);
    assert_eq!(close.n.len(), 256);
    assert_eq!(field(validate(&close.import())), "key.q");
}

/// Neighbouring primes above 0xe0 * 2^1016; found by search.
const CLOSE_P: &str = concat!(
    "e0000000000000000000000000000000000000000000000000000000000000000000000000000000",
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000",
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000135"
);
const CLOSE_Q: &str = concat!(
    "e0000000000000000000000000000000000000000000000000000000000000000000000000000000",
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000",
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000",
    "00000000000005cf"
);

#[test]
fn rejects_unbalanced_primes() {
    let key = from_primes(&number(&rsa_3072().p), &number(&keys::bytes(PRIME_512)), 65537);
    assert_eq!(key.n.len(), 256);
    assert_eq!(field(validate(&key.import())), "key.p");
}

/// A prime of 512 bits; found by search.
const PRIME_512: &str = concat!(
    "e5000000000000000000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000003ff"
);

#[test]
fn accepts_ec_keys() {
    for curve in Curve::ALL {
        for seed in 0..=20 {
            let key = Ec::new(curve, seed);
            assert_eq!(validate(&key.import()).unwrap(), key.public(), "{curve}");
        }
        let small = |scalar: u8| widen(&BigUint::from(scalar), curve.field_len());
        let one = Ec::from_scalar(curve, small(1));
        let last = Ec::from_scalar(curve, difference(&order(curve), &small(1)));
        for key in [&one, &last] {
            assert_eq!(validate(&key.import()).unwrap(), key.public(), "{curve}");
        }
        // The last scalar is the negative of the first: its point has the same x and the other y.
        assert_eq!(one.x, last.x);
        assert_eq!(field(validate(&Ec { d: last.d, ..one }.import())), "key.y");
    }
}

#[test]
fn rejects_ec_scalar_out_of_range() {
    for curve in Curve::ALL {
        let key = Ec::new(curve, 9);
        let order = order(curve);
        let beyond = widen(&(number(&order) + 1u8), curve.field_len());
        for d in [vec![0; curve.field_len()], order, beyond, vec![0xff; curve.field_len()]] {
            assert_eq!(field(validate(&Ec { d, ..key.clone() }.import())), "key.d", "{curve}");
        }
    }
}

#[test]
fn rejects_ec_members_not_as_wide_as_field() {
    for curve in Curve::ALL {
        let key = Ec::new(curve, 9);
        let other = |width: usize| vec![1; width];
        for width in [0, 1, 31, 33, 47, 49, 65, 67, 1 << 20] {
            assert_eq!(field(validate(&Ec { x: other(width), ..key.clone() }.import())), "key.x");
            assert_eq!(field(validate(&Ec { y: other(width), ..key.clone() }.import())), "key.y");
            assert_eq!(field(validate(&Ec { d: other(width), ..key.clone() }.import())), "key.d");
        }
        // An additional or missing leading zero changes the width.
        let (short, long) = (key.d[1..].to_vec(), [&[0], &key.d[..]].concat());
        for d in [short, long] {
            assert_eq!(field(validate(&Ec { d, ..key.clone() }.import())), "key.d");
        }
    }
}

#[test]
fn rejects_point_not_matching_scalar() {
    for curve in Curve::ALL {
        let (key, other) = (Ec::new(curve, 9), Ec::new(curve, 10));
        let foreign = Ec { x: other.x.clone(), y: other.y, ..key.clone() };
        assert_eq!(field(validate(&foreign.import())), "key.d");
        assert_eq!(field(validate(&Ec { d: other.d, ..key.clone() }.import())), "key.d");
        assert_eq!(field(validate(&Ec { x: other.x, ..key.clone() }.import())), "key.x");
        let last = 8 * curve.field_len() - 8;
        assert_eq!(field(validate(&Ec { x: flip_bit(&key.x, last), ..key.clone() }.import())), "key.x");
        assert_eq!(field(validate(&Ec { y: flip_bit(&key.y, last), ..key.clone() }.import())), "key.y");
        assert_eq!(field(validate(&Ec { d: flip_bit(&key.d, last), ..key.clone() }.import())), "key.d");
        let zero = vec![0; curve.field_len()];
        let infinity = Ec { x: zero.clone(), y: zero, ..key.clone() };
        assert_eq!(field(validate(&infinity.import())), "key.x");
    }
}

#[test]
fn accepts_only_aes_key_sizes() {
    let oct = |length: usize| validate(&ImportMaterial::Oct { k: vec![7; length] });
    for (length, bits) in [(16, 128), (24, 192), (32, 256)] {
        assert_eq!(oct(length).unwrap(), PublicMaterial::Oct { key_size: bits });
    }
    for length in [0, 1, 8, 15, 17, 20, 31, 33, 48, 64, 65, 1 << 20] {
        assert_eq!(field(oct(length)), "key.k", "{length}");
    }
    assert!(oct(65).unwrap_err().to_string().contains("at most 64 bytes"));
}

#[test]
fn errors_do_not_disclose_private_values() {
    let key = rsa_2048();
    for name in MEMBERS {
        let changed = flip_bit(&member(&mut key.clone(), name).clone(), 9);
        let text = format!("{:?}", validate(&with(&key, name, changed.clone())).unwrap_err());
        let hex: String = changed.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        let list: String = changed.iter().take(4).map(|byte| format!("{byte}, ")).collect();
        assert!(!text.contains(&hex) && !text.contains(&list) && text.len() < 150, "{text}");
    }
}

fn is_refused(material: &ImportMaterial) -> bool {
    matches!(validate(material), Err(Error::Invalid { .. }))
}

fn material() -> impl Strategy<Value = ImportMaterial> {
    let lengths = prop_oneof![
        Just(0),
        Just(1),
        Just(3),
        Just(32),
        Just(48),
        Just(66),
        Just(128),
        Just(256),
        0usize..600
    ];
    let bytes = lengths.prop_flat_map(|length| prop::collection::vec(any::<u8>(), length));
    let rsa = prop::collection::vec(bytes.clone(), 8).prop_map(|members| {
        let mut key = rsa_2048();
        for (name, bytes) in MEMBERS.iter().zip(members) {
            *member(&mut key, name) = bytes;
        }
        key.import()
    });
    let ec = (prop::sample::select(&Curve::ALL[..]), bytes.clone(), bytes.clone(), bytes.clone())
        .prop_map(|(crv, x, y, d)| ImportMaterial::Ec { crv, x, y, d });
    let fixed = prop::sample::select(&Curve::ALL[..]).prop_flat_map(|crv| {
        let wide = move || prop::collection::vec(any::<u8>(), crv.field_len());
        (wide(), wide(), wide()).prop_map(move |(x, y, d)| ImportMaterial::Ec { crv, x, y, d })
    });
    prop_oneof![rsa, ec, fixed]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn rejects_random_bytes(material in material()) {
        prop_assert!(is_refused(&material));
    }

    #[test]
    fn rejects_randomly_modified_ec_key(
        curve in prop::sample::select(&Curve::ALL[..]),
        which in 0..3,
        at in any::<prop::sample::Index>(),
        change in 1..=u8::MAX,
    ) {
        let mut key = Ec::new(curve, 11);
        let member = match which { 0 => &mut key.x, 1 => &mut key.y, _ => &mut key.d };
        *at.get_mut(member.as_mut_slice()) ^= change;
        let wanted = ["key.x", "key.y", "key.d"][usize::try_from(which).unwrap()];
        prop_assert_eq!(field(validate(&key.import())), wanted);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn rejects_randomly_modified_rsa_key(
        name in prop::sample::select(&MEMBERS[..]),
        at in any::<prop::sample::Index>(),
        change in 1..=u8::MAX,
    ) {
        let mut key = rsa_2048();
        *at.get_mut(member(&mut key, name).as_mut_slice()) ^= change;
        prop_assert!(is_refused(&key.import()));
    }
}
