//! The members that responses with keys, secrets and certificates of vaults have in common.

use std::fmt;

use serde::Serialize;

use super::super::endpoint::Endpoint;
use crate::model::key::{self, Protection};
use crate::model::retention::{Deletion, RecoveryLevel};
use crate::model::secret::SecretAttributes;

/// The members that only deleted objects have. Times are Unix times in seconds.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct DeletionDates {
    recovery_id: String,
    deleted_date: i64,
    scheduled_purge_date: i64,
}

impl DeletionDates {
    /// Returns the members of an object in a collection: `deletedkeys`, `deletedsecrets` or `deletedcertificates`. `None` if it
    /// was deleted permanently: clients wait for the end of a deletion only if the response has a `recoveryId`.
    pub(super) fn of(
        endpoint: &Endpoint,
        collection: &str,
        name: &impl fmt::Display,
        deletion: Deletion,
    ) -> Option<Self> {
        (!deletion.is_permanent()).then(|| Self {
            recovery_id: format!("{}/{collection}/{name}", endpoint.base),
            deleted_date: deletion.deleted_at.as_second(),
            scheduled_purge_date: deletion.scheduled_purge_at.as_second(),
        })
    }
}

/// The attributes of a version of an object. Times are Unix times in seconds.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Attributes {
    enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    created: i64,
    updated: i64,
    /// Absent for certificates in lists, as recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery_level: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recoverable_days: Option<u32>,
    /// Only keys have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    exportable: Option<bool>,
    /// Only keys protected by hardware have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    hsm_platform: Option<&'static str>,
}

impl Attributes {
    /// Adds the generation of the HSMs, which a key protected by hardware states, as recorded.
    pub(super) fn with_protection(self, protection: Protection) -> Self {
        let is_hsm = protection == Protection::Hsm;
        Self { hsm_platform: is_hsm.then_some("2"), ..self }
    }

    /// Adds the recovery level, and since api-version 7.1 the retention interval.
    pub(super) fn with_level(self, endpoint: &Endpoint, level: RecoveryLevel) -> Self {
        Self {
            recovery_level: Some(level.as_str()),
            recoverable_days: level.recoverable_days().filter(|_| endpoint.has_recoverable_days()),
            ..self
        }
    }
}

impl From<&SecretAttributes> for Attributes {
    fn from(attributes: &SecretAttributes) -> Self {
        Self {
            enabled: attributes.enabled,
            nbf: attributes.not_before.map(|at| at.as_second()),
            exp: attributes.expires.map(|at| at.as_second()),
            created: attributes.created.as_second(),
            updated: attributes.updated.as_second(),
            recovery_level: None,
            recoverable_days: None,
            exportable: None,
            hsm_platform: None,
        }
    }
}

impl From<&key::Attributes> for Attributes {
    fn from(attributes: &key::Attributes) -> Self {
        let &key::Attributes { enabled, not_before, expires, created, updated, exportable } = attributes;
        let common = SecretAttributes { enabled, not_before, expires, created, updated };
        Self { exportable: Some(exportable), ..Self::from(&common) }
    }
}
