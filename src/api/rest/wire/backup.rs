//! Requests and responses of backup and restore of keys and certificates.

use serde::{Deserialize, Serialize};

use super::super::super::azure::binary::Binary;
use super::super::super::azure::body::base64url;
use super::super::call::RequestInput;
use super::super::endpoint::Endpoint;
use crate::model::{Error, Field, Result};
use crate::ops::keys::{BackupKey, RestoreKey};

/// The request body of a restore.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Request {
    value: Option<Binary>,
}

/// The backup of an object.
#[derive(Serialize)]
pub(in super::super) struct Backup {
    value: String,
}

pub(in super::super) fn key(input: &RequestInput<'_>) -> Result<BackupKey> {
    Ok(BackupKey { key: input.key()? })
}

pub(in super::super) fn backed_up(_: &Endpoint, backup: Vec<u8>) -> Backup {
    Backup { value: base64url(&backup) }
}

pub(in super::super) fn restore_key(input: &RequestInput<'_>) -> Result<RestoreKey> {
    Ok(RestoreKey { backup: sent(input)?, container: input.container()? })
}

/// Returns the backup in the body of a request.
pub(super) fn sent(input: &RequestInput<'_>) -> Result<Vec<u8>> {
    let value = input.body::<Request>()?.value;
    let value = value.ok_or_else(|| Error::invalid(Field::Value, "the value is missing"))?;
    Ok(std::mem::take(&mut *value.read(Field::Value)?))
}
