//! Values of secrets, and dates, in request bodies.

use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use crate::model::key_date::KeyDate;
use crate::model::{Error, Field, Result};

/// A value in a request body, which is wiped when it is dropped.
pub(in crate::api) struct SentValue(pub(in crate::api) Zeroizing<String>);

impl<'de> Deserialize<'de> for SentValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

/// Parses a Unix time in seconds.
pub(in crate::api) fn date(field: Field, seconds: Option<i64>) -> Result<Option<KeyDate>> {
    let wrong = || Error::invalid(field, "this is not a Unix time in seconds before the year 10000");
    seconds.map(|seconds| KeyDate::from_second(seconds).ok_or_else(wrong)).transpose()
}
