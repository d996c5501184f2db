//! Protobuf messages and values that tests of many operations send.

use strongroom::api::grpc::pb;

/// Returns a request to advance the clock by days.
pub(crate) fn days(days: i64) -> pb::AdvanceClockRequest {
    let by = prost_types::Duration { seconds: days * 86_400, nanos: 0 };
    pb::AdvanceClockRequest { target: Some(pb::advance_clock_request::Target::By(by)), ..Default::default() }
}

/// Converts a protobuf timestamp to microseconds, and asserts that it has no finer precision.
pub(crate) fn micros(instant: Option<prost_types::Timestamp>) -> i64 {
    let instant = instant.unwrap();
    assert_eq!(instant.nanos % 1000, 0);
    instant.seconds * 1_000_000 + i64::from(instant.nanos) / 1000
}

/// Converts microseconds to a protobuf timestamp.
pub(crate) fn timestamp(micros: i64) -> prost_types::Timestamp {
    let nanos = i32::try_from(micros.rem_euclid(1_000_000) * 1000).unwrap();
    prost_types::Timestamp { seconds: micros.div_euclid(1_000_000), nanos }
}

/// Returns a request to create an EC key, on the default curve if `curve` is empty.
pub(crate) fn ec(name: &str, curve: &str) -> pb::CreateKeyRequest {
    pb::CreateKeyRequest {
        key_id: name.to_owned(),
        kty: "EC-HSM".to_owned(),
        crv: Some(curve.to_owned()).filter(|curve| !curve.is_empty()),
        ..Default::default()
    }
}

/// Returns a request to create an RSA key, of the default size if `bits` is 0.
pub(crate) fn rsa(name: &str, bits: u32) -> pb::CreateKeyRequest {
    pb::CreateKeyRequest {
        key_id: name.to_owned(),
        kty: "RSA-HSM".to_owned(),
        key_size: Some(bits).filter(|bits| *bits != 0),
        ..Default::default()
    }
}

/// Returns a request to create a symmetric key, of the default size if `bits` is 0.
pub(crate) fn oct(name: &str, bits: u32) -> pb::CreateKeyRequest {
    pb::CreateKeyRequest {
        key_id: name.to_owned(),
        kty: "oct-HSM".to_owned(),
        key_size: Some(bits).filter(|bits| *bits != 0),
        ..Default::default()
    }
}
