//! Converts messages to operations and replies to messages. The domain parses names and algorithms.

mod access;
mod audit;
mod authorization;
mod backup;
mod budgets;
mod certificate_policy;
mod certificate_settings;
mod certificates;
pub(super) mod clock;
mod containers;
mod crypto;
mod hsms;
mod keys;
mod lifecycle;
mod resources;
mod rotation;
mod secrets;
mod security_domain;
mod settings;
mod tokens;
mod usage;
mod vaults;

use std::str::FromStr;

use prost_types::Timestamp as WireTimestamp;

use crate::model::container::ContainerId;
use crate::model::container_id::KeyId;
use crate::model::key_date::KeyDate;
use crate::model::name::{HsmName, VaultName};
use crate::model::{Error, Field, Result, Timestamp};
use crate::ops::KeyPath;

/// Converts requests whose only field is the name of a resource.
macro_rules! named {
    ($($request:ident => $operation:ident { $field:ident: $path:expr },)+) => {
        $(impl TryFrom<pb::$request> for $operation {
            type Error = Error;

            fn try_from(request: pb::$request) -> Result<Self> {
                Ok(Self { $field: $path(&request.name)? })
            }
        })+
    };
}

use named;

/// Splits a resource name by a pattern of fixed and variable segments, for example `hsms/{}/keys/{}`. Returns the
/// variable ones.
fn segments<'a, const N: usize>(field: Field, name: &'a str, pattern: &str) -> Result<[&'a str; N]> {
    let wrong = || Error::invalid(field, format!("the name must have the form {}", template(pattern)));
    let mut found = [""; N];
    let mut next = found.iter_mut();
    let mut given = name.split('/');
    for wanted in pattern.split('/') {
        let segment = given.next().ok_or_else(wrong)?;
        match wanted {
            "{}" => *next.next().ok_or_else(wrong)? = segment,
            fixed if fixed == segment => {}
            _ => return Err(wrong()),
        }
    }
    if given.next().is_some() { Err(wrong()) } else { Ok(found) }
}

/// Formats a pattern with named variables, for error messages.
fn template(pattern: &str) -> String {
    let mut text = String::new();
    for piece in pattern.split('/') {
        if !text.is_empty() {
            text.push('/');
        }
        match (piece, text.rsplit('/').nth(1)) {
            ("{}", Some("hsms" | "managedHsms" | "deletedManagedHsms")) => text.push_str("{hsm}"),
            ("{}", Some("vaults" | "deletedVaults")) => text.push_str("{vault}"),
            ("{}", Some("subscriptions")) => text.push_str("{subscription}"),
            ("{}", Some("resourceGroups")) => text.push_str("{resource_group}"),
            ("{}", Some("locations")) => text.push_str("{location}"),
            ("{}", Some("keys" | "deletedKeys")) => text.push_str("{key}"),
            ("{}", Some("secrets" | "deletedSecrets")) => text.push_str("{secret}"),
            ("{}", Some("certificates" | "deletedCertificates")) => text.push_str("{certificate}"),
            ("{}", Some("issuers")) => text.push_str("{issuer}"),
            ("{}", Some("versions")) => text.push_str("{version}"),
            ("{}", Some("settings")) => text.push_str("{setting}"),
            ("{}", _) => text.push_str("{guid}"),
            (fixed, _) => text.push_str(fixed),
        }
    }
    text
}

/// Parses a part of a field. An error names the whole field, the only name that clients know.
fn parse_field<T: FromStr<Err: Into<Error>>>(field: Field, text: &str) -> Result<T> {
    text.parse().map_err(|error: T::Err| match error.into() {
        Error::Invalid { why, .. } => Error::Invalid { field, why },
        other => other,
    })
}

/// Parses `hsms/{hsm}`.
fn hsm(parent: &str) -> Result<HsmName> {
    let [hsm] = segments(Field::Parent, parent, "hsms/{}")?;
    parse_field(Field::Parent, hsm)
}

/// Returns the collection of containers in which a resource name is: `vaults` or `hsms`, also if it is neither.
fn collection(name: &str) -> &'static str {
    if name.starts_with("vaults/") { "vaults" } else { "hsms" }
}

/// Parses the name of a container of a collection.
fn container_in(field: Field, collection: &str, name: &str) -> Result<ContainerId> {
    match collection {
        "vaults" => parse_field::<VaultName>(field, name).map(ContainerId::from),
        _ => parse_field::<HsmName>(field, name).map(ContainerId::from),
    }
}

/// Parses `hsms/{hsm}` or `vaults/{vault}`.
fn container(parent: &str) -> Result<ContainerId> {
    let collection = collection(parent);
    let [container] = segments(Field::Parent, parent, &format!("{collection}/{{}}"))?;
    container_in(Field::Parent, collection, container)
}

/// Parses `hsms/{hsm}/{folder}/{key}` or `vaults/{vault}/{folder}/{key}`.
fn key_path(field: Field, name: &str, folder: &str) -> Result<KeyPath> {
    let collection = collection(name);
    let [container, key] = segments(field, name, &format!("{collection}/{{}}/{folder}/{{}}"))?;
    Ok(KeyPath { container: container_in(field, collection, container)?, name: parse_field(field, key)? })
}

/// Parses the name of a key in a container, with or without `/versions/{version}`.
fn key_id(name: &str) -> Result<KeyId> {
    if name.split('/').count() == 4 {
        let KeyPath { container, name } = key_path(Field::Name, name, "keys")?;
        return Ok(KeyId { container, name, version: None });
    }
    let collection = collection(name);
    let pattern = format!("{collection}/{{}}/keys/{{}}/versions/{{}}");
    let [container, key, version] = segments(Field::Name, name, &pattern)?;
    Ok(KeyId {
        container: container_in(Field::Name, collection, container)?,
        name: parse_field(Field::Name, key)?,
        version: Some(parse_field(Field::Name, version)?),
    })
}

/// Parses an instant, truncated to microseconds.
fn instant(field: Field, wire: WireTimestamp) -> Result<Timestamp> {
    let wrong = || Error::invalid(field, "the instant is not between the years 1 and 9999");
    let micros = i64::from(wire.nanos) / 1000;
    let seconds = wire.seconds.checked_mul(1_000_000).ok_or_else(wrong)?;
    let total = seconds.checked_add(micros).ok_or_else(wrong)?;
    if !(0..1_000_000_000).contains(&wire.nanos) {
        return Err(wrong());
    }
    Timestamp::from_microsecond(total).map_err(|_| wrong())
}

/// Parses the date of a key, truncated to microseconds.
fn key_date(field: Field, wire: WireTimestamp) -> Result<KeyDate> {
    let wrong = || Error::invalid(field, "the date is not between the years 1 and 9999");
    if !(0..1_000_000_000).contains(&wire.nanos) {
        return Err(wrong());
    }
    let micros = wire
        .seconds
        .checked_mul(1_000_000)
        .and_then(|micros| micros.checked_add(i64::from(wire.nanos) / 1000));
    micros.and_then(KeyDate::from_microsecond).ok_or_else(wrong)
}

/// Converts an instant or the date of a key to its message.
fn wire_instant(instant: impl Into<KeyDate>) -> WireTimestamp {
    let micros = instant.into().as_microsecond();
    let nanos = i32::try_from(micros.rem_euclid(1_000_000) * 1000).unwrap_or(0);
    WireTimestamp { seconds: micros.div_euclid(1_000_000), nanos }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_complete_key_names_only() {
        assert!(key_id("hsms/local/keys/a").unwrap().version.is_none());
        let with = key_id("hsms/local/keys/a/versions/75f0e58fa686411f25e386edb8c4879c").unwrap();
        assert!(with.version.is_some());
        for bad in [
            "",
            "hsms/local",
            "hsms/local/keys/",
            "/hsms/local/keys/a",
            "hsms/local/keys/a/",
            "keys/a",
            "hsms/local/keys/a/versions/",
            "hsms/local/keys/a/versions/1",
            "hsms/local/secrets/a",
        ] {
            assert!(key_id(bad).is_err(), "{bad}");
        }
        let error = hsm("local").unwrap_err().to_string();
        assert!(error.contains("hsms/{hsm}"), "{error}");
    }

    #[test]
    fn instants_round_trip() {
        for micros in [0, 1, -1, 1_800_000_000_123_456, -62_135_596_800_000_000] {
            let instant_sent = Timestamp::from_microsecond(micros).unwrap();
            assert_eq!(instant(Field::Target, wire_instant(instant_sent)).unwrap(), instant_sent);
        }
        assert!(instant(Field::Target, WireTimestamp { seconds: i64::MAX, nanos: 0 }).is_err());
        assert!(instant(Field::Target, WireTimestamp { seconds: 0, nanos: -1 }).is_err());
    }
}
