//! Private and secret keys as JSON Web Keys (RFC 7518, section 6).

use serde::Deserialize;
use zeroize::Zeroizing;

use super::failure::{Failure, Outcome};
use super::input::SecretBytes;
use crate::model::import::ImportMaterial;
use crate::model::key::KeyOperation;

/// The members that are used; others are ignored, as RFC 7517 requires.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: Option<String>,
    key_ops: Option<Vec<String>>,
    n: Option<SecretBytes>,
    e: Option<SecretBytes>,
    d: Option<SecretBytes>,
    p: Option<SecretBytes>,
    q: Option<SecretBytes>,
    dp: Option<SecretBytes>,
    dq: Option<SecretBytes>,
    qi: Option<SecretBytes>,
    x: Option<SecretBytes>,
    y: Option<SecretBytes>,
    k: Option<SecretBytes>,
}

/// Parses a key and its `key_ops`, if present. An empty list permits no operations.
pub(crate) fn read(json: &[u8]) -> Outcome<(ImportMaterial, Option<Vec<KeyOperation>>)> {
    // The error's own text may quote the key.
    let jwk: Jwk = serde_json::from_slice(json).map_err(|error| {
        Failure::problem(format!("not a JSON Web Key (line {}, column {})", error.line(), error.column()))
    })?;
    let parse = |names: &Vec<String>| names.iter().map(|name| name.parse()).collect();
    let operations = jwk.key_ops.as_ref().map(parse).transpose()?;
    let material = match jwk.kty.as_str() {
        "RSA" | "RSA-HSM" => ImportMaterial::Rsa {
            n: member(jwk.n, "n")?,
            e: member(jwk.e, "e")?,
            d: member(jwk.d, "d")?,
            p: member(jwk.p, "p")?,
            q: member(jwk.q, "q")?,
            dp: member(jwk.dp, "dp")?,
            dq: member(jwk.dq, "dq")?,
            qi: member(jwk.qi, "qi")?,
        },
        "EC" | "EC-HSM" => {
            let crv = jwk.crv.ok_or_else(|| missing("crv"))?.parse()?;
            ImportMaterial::Ec { crv, x: member(jwk.x, "x")?, y: member(jwk.y, "y")?, d: member(jwk.d, "d")? }
        }
        "oct" | "oct-HSM" => ImportMaterial::Oct { k: member(jwk.k, "k")? },
        other => return Err(Failure::problem(format!("keys of type {other:?} cannot be imported"))),
    };
    Ok((material, operations))
}

fn member(value: Option<SecretBytes>, name: &str) -> Outcome<Vec<u8>> {
    let mut value: Zeroizing<Vec<u8>> = value.ok_or_else(|| missing(name))?.0;
    Ok(std::mem::take(&mut *value))
}

fn missing(name: &str) -> Failure {
    Failure::problem(format!("the JSON Web Key has no member {name:?}"))
        .hint("a private key with all its members is required (RFC 7518, section 6)")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::key::{Curve, KeyType};

    // RFC 7517, appendix A.2.
    const EC: &str = r#"{"kty":"EC","crv":"P-256","use":"enc","kid":"1",
        "x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
        "d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"}"#;

    #[test]
    fn parses_keys_with_key_ops() {
        let (material, operations) = read(EC.as_bytes()).unwrap();
        assert_eq!(material.key_type(), KeyType::Ec { curve: Curve::P256 });
        assert_eq!(operations, None);
        let oct = br#"{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAA","key_ops":["wrapKey","unwrapKey"]}"#;
        let (material, operations) = read(oct).unwrap();
        assert_eq!(material.key_type(), KeyType::Oct { bits: 128 });
        assert_eq!(operations.unwrap(), [KeyOperation::WrapKey, KeyOperation::UnwrapKey]);
        let none = br#"{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAA","key_ops":[]}"#;
        assert_eq!(read(none).unwrap().1, Some(Vec::new()));
        for name in ["secp256k1", "SECP256K1", "P-256K"] {
            let koblitz = EC.replace("P-256", name);
            assert_eq!(read(koblitz.as_bytes()).unwrap().0.key_type(), KeyType::Ec { curve: Curve::P256K });
        }
    }

    #[test]
    fn errors_name_missing_members_without_quoting_values() {
        let public = EC.replace("\"d\"", "\"other\"");
        assert!(format!("{:?}", read(public.as_bytes()).unwrap_err()).contains("\\\"d\\\""));
        for wrong in ["", "{}", "[]", r#"{"kty":"oct","k":"s3cret!"}"#, r#"{"kty":"OKP","d":"AQ"}"#] {
            let failure = format!("{:?}", read(wrong.as_bytes()).unwrap_err());
            assert!(!failure.contains("s3cret"), "{failure}");
        }
    }
}
