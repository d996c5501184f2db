//! Members of request bodies that contain base64url-encoded bytes.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use zeroize::Zeroizing;

use crate::model::{Error, Field, Result, base64};

/// A member with bytes as base64, not yet decoded. It is decoded after the body is parsed, when its name is known for the
/// error message. Zeroized when dropped.
#[derive(Default)]
pub(in crate::api) struct Binary(Option<Zeroizing<String>>);

impl Binary {
    /// Decodes the bytes. `member` is the path of the member in the body.
    ///
    /// # Errors
    /// `Invalid` naming the member if it is not a string, or not base64.
    pub(in crate::api) fn read(self, member: Field) -> Result<Zeroizing<Vec<u8>>> {
        let bytes = self.0.and_then(|text| base64::decode(text.as_bytes()));
        bytes.ok_or_else(|| Error::invalid(member, "this is not base64url"))
    }
}

/// Decodes a member that may be absent, which is then empty.
///
/// # Errors
/// As [`Binary::read`].
pub(in crate::api) fn bytes(member: Field, binary: Option<Binary>) -> Result<Zeroizing<Vec<u8>>> {
    binary.map_or_else(|| Ok(Zeroizing::default()), |binary| binary.read(member))
}

impl<'de> Deserialize<'de> for Binary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct StringVisitor;

        /// Accepts values of other types as undecodable.
        macro_rules! not_a_string {
            ($($visit:ident: $type:ty,)+) => {$(
                fn $visit<E: serde::de::Error>(self, _: $type) -> std::result::Result<Binary, E> {
                    Ok(Binary(None))
                }
            )+};
        }

        impl<'de> Visitor<'de> for StringVisitor {
            type Value = Binary;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("base64url")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> std::result::Result<Binary, E> {
                Ok(Binary(Some(Zeroizing::new(text.to_owned()))))
            }

            not_a_string! {
                visit_bool: bool,
                visit_i64: i64,
                visit_u64: u64,
                visit_f64: f64,
            }

            fn visit_unit<E: serde::de::Error>(self) -> std::result::Result<Binary, E> {
                Ok(Binary(None))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> std::result::Result<Binary, A::Error> {
                while items.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Binary(None))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> std::result::Result<Binary, A::Error> {
                while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Binary(None))
            }
        }

        deserializer.deserialize_any(StringVisitor)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::super::body::parse;
    use super::*;

    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Sample {
        value: Option<Binary>,
    }

    fn read(text: &str) -> Result<Vec<u8>> {
        bytes(Field::Value, parse::<Sample>(text.as_bytes()).unwrap().value).map(|bytes| bytes.to_vec())
    }

    #[test]
    fn decodes_base64_and_base64url() {
        for (text, value) in [
            (r#"{"value":"_-8","unknown":{"a":[1]},"number":null}"#, vec![255, 239]),
            (r#"{"value":"_-8="}"#, vec![255, 239]),
            (r#"{"value":"/+8="}"#, vec![255, 239]),
            (r#"{"value":"\/+8"}"#, vec![255, 239]),
            (r#"{"value":"_-9"}"#, vec![255, 239]),
            (r#"{"value":""}"#, vec![]),
            (r#"{"value":null}"#, vec![]),
            ("{}", vec![]),
            (" \r\n", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(read(text).unwrap(), value, "{text}");
        }
    }

    #[test]
    fn errors_name_the_member_without_quoting_it() {
        for value in
            [r#""geheim!""#, r#""-+geheim""#, "7", "-7", "0.5", "true", "[1,[2]]", r#"{"a":{"b":1}}"#]
        {
            let error = read(&format!(r#"{{"value":{value}}}"#)).unwrap_err();
            assert_eq!(error, Error::invalid(Field::Value, "this is not base64url"), "{value}");
        }
    }
}
