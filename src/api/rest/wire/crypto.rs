//! Cryptographic operations.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::super::super::azure::binary::{Binary, bytes};
use super::super::super::azure::body::base64url;
use super::super::call::Asked;
use super::super::route::VersionOf;
use super::super::site::Site;
use super::keys::kid;
use crate::model::{Error, Result};
use crate::ops::crypto::{
    Decrypt, Encrypt, Encrypted, GenerateRandomBytes, Outcome, Revealed, Sign, UnwrapKey, Verified, Verify,
    WrapKey,
};

/// What all of them are asked with; none needs every member.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Request {
    aad: Option<Binary>,
    alg: Option<String>,
    digest: Option<Binary>,
    iv: Option<Binary>,
    tag: Option<Binary>,
    value: Option<Binary>,
}

impl Request {
    fn algorithm<T: std::str::FromStr<Err = Error>>(&self) -> Result<T> {
        self.alg.as_deref().unwrap_or_default().parse()
    }

    fn value(self) -> Result<Zeroizing<Vec<u8>>> {
        self.value.ok_or_else(|| Error::invalid("value", "the value is missing"))?.read("value")
    }
}

/// A value that is not secret, or that its operation keeps as it is.
fn plain(mut value: Zeroizing<Vec<u8>>) -> Vec<u8> {
    std::mem::take(&mut *value)
}

/// What is called `field` elsewhere is the member `value` of this request.
pub(in super::super) fn as_value(field: &'static str) -> impl FnOnce(Error) -> Error {
    move |error| match error {
        Error::Invalid { field: named, why } if named == field => Error::Invalid { field: "value", why },
        other => other,
    }
}

pub(in super::super) fn sign(asked: &Asked<'_>, key: VersionOf<'_>) -> Result<Sign> {
    let (key, request) = (asked.version(key)?, asked.body::<Request>()?);
    Ok(Sign { key, algorithm: request.algorithm()?, digest: plain(request.value()?) })
}

pub(in super::super) fn verify(asked: &Asked<'_>, key: VersionOf<'_>) -> Result<Verify> {
    let (key, mut request) = (asked.version(key)?, asked.body::<Request>()?);
    let (algorithm, digest) = (request.algorithm()?, bytes("digest", request.digest.take())?);
    Ok(Verify { key, algorithm, digest: plain(digest), signature: plain(request.value()?) })
}

pub(in super::super) fn encrypt(asked: &Asked<'_>, key: VersionOf<'_>) -> Result<Encrypt> {
    let (key, mut request) = (asked.version(key)?, asked.body::<Request>()?);
    Ok(Encrypt {
        key,
        algorithm: request.algorithm()?,
        iv: plain(bytes("iv", request.iv.take())?),
        additional: plain(bytes("aad", request.aad.take())?),
        plaintext: request.value()?,
    })
}

pub(in super::super) fn decrypt(asked: &Asked<'_>, key: VersionOf<'_>) -> Result<Decrypt> {
    let (key, mut request) = (asked.version(key)?, asked.body::<Request>()?);
    Ok(Decrypt {
        key,
        algorithm: request.algorithm()?,
        iv: plain(bytes("iv", request.iv.take())?),
        tag: plain(bytes("tag", request.tag.take())?),
        additional: plain(bytes("aad", request.aad.take())?),
        ciphertext: plain(request.value()?),
    })
}

pub(in super::super) fn wrap(asked: &Asked<'_>, key: VersionOf<'_>) -> Result<WrapKey> {
    let (key, request) = (asked.version(key)?, asked.body::<Request>()?);
    Ok(WrapKey { key, algorithm: request.algorithm()?, value: request.value()? })
}

pub(in super::super) fn unwrap(asked: &Asked<'_>, key: VersionOf<'_>) -> Result<UnwrapKey> {
    let (key, request) = (asked.version(key)?, asked.body::<Request>()?);
    Ok(UnwrapKey { key, algorithm: request.algorithm()?, value: plain(request.value()?) })
}

pub(in super::super) fn random(asked: &Asked<'_>) -> Result<GenerateRandomBytes> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Wanted {
        count: Option<i64>,
    }
    let hsm = asked.hsm()?;
    let Wanted { count } = asked.body()?;
    match i32::try_from(count.unwrap_or_default()) {
        Ok(count @ 1..=128) => Ok(GenerateRandomBytes { hsm, count }),
        _ => {
            Err(Error::invalid("", "GetRandomBytesRequest: count cannot be greater than 128 or less than 1"))
        }
    }
}

/// What an operation came to. The algorithm is told again, and the version always.
#[derive(Serialize)]
pub(in super::super) struct Used<T> {
    #[serde(skip_serializing_if = "Option::is_none")]
    aad: Option<String>,
    alg: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    iv: Option<String>,
    kid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<String>,
    value: T,
}

impl<T> Used<T> {
    const fn plain(alg: &'static str, kid: String, value: T) -> Self {
        Self { aad: None, alg, iv: None, kid, tag: None, value }
    }
}

pub(in super::super) fn outcome(site: &Site, outcome: Outcome) -> Used<String> {
    Used::plain(outcome.algorithm, kid(site, &outcome.version), base64url(&outcome.value))
}

pub(in super::super) fn verified(site: &Site, verified: Verified) -> Used<bool> {
    Used::plain(verified.algorithm, kid(site, &verified.version), verified.valid)
}

pub(in super::super) fn revealed(site: &Site, revealed: Revealed) -> Used<String> {
    Used::plain(revealed.algorithm, kid(site, &revealed.version), base64url(&revealed.value))
}

pub(in super::super) fn encrypted(site: &Site, encrypted: Encrypted) -> Used<String> {
    let given = |bytes: &[u8]| (!bytes.is_empty()).then(|| base64url(bytes));
    Used {
        aad: given(&encrypted.additional),
        iv: given(&encrypted.iv),
        tag: given(&encrypted.tag),
        ..Used::plain(encrypted.algorithm, kid(site, &encrypted.version), base64url(&encrypted.ciphertext))
    }
}

/// Random bytes.
#[derive(Serialize)]
pub(in super::super) struct Random {
    value: String,
}

pub(in super::super) fn random_bytes(_: &Site, bytes: Vec<u8>) -> Random {
    Random { value: base64url(&bytes) }
}
