//! The printed form of keys.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::api::grpc::pb;
use crate::cli::output::TableRow;
use crate::cli::{object_view, table, time_argument};
use crate::model::Timestamp;
use crate::model::base64::base64url;
use crate::model::key_date::KeyDate;

/// The public key; absent for secret keys.
#[derive(Serialize)]
#[serde(untagged)]
enum PublicKey {
    Rsa {
        #[serde(serialize_with = "base64url::serialize")]
        n: Vec<u8>,
        #[serde(serialize_with = "base64url::serialize")]
        e: Vec<u8>,
    },
    Ec {
        crv: String,
        #[serde(serialize_with = "base64url::serialize")]
        x: Vec<u8>,
        #[serde(serialize_with = "base64url::serialize")]
        y: Vec<u8>,
    },
}

/// One version of a key.
#[derive(Serialize)]
pub(super) struct KeyView {
    name: String,
    kty: String,
    key_size: Option<u32>,
    key_ops: Vec<String>,
    key: Option<PublicKey>,
    enabled: bool,
    not_before: Option<KeyDate>,
    expires: Option<KeyDate>,
    created: Option<Timestamp>,
    updated: Option<Timestamp>,
    exportable: bool,
    recovery_level: String,
    recoverable_days: u32,
    tags: BTreeMap<String, String>,
    aes_mode_family: Option<String>,
    /// Whether it belongs to a certificate.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    managed: bool,
}

impl From<pb::KeyBundle> for KeyView {
    fn from(bundle: pb::KeyBundle) -> Self {
        let key = bundle.key.and_then(|key| match (key.crv.is_empty(), key.n.is_empty()) {
            (false, _) => Some(PublicKey::Ec { crv: key.crv, x: key.x, y: key.y }),
            (true, false) => Some(PublicKey::Rsa { n: key.n, e: key.e }),
            (true, true) => None,
        });
        Self {
            name: bundle.name,
            kty: bundle.kty,
            key_size: Some(bundle.key_size).filter(|bits| *bits != 0),
            key_ops: bundle.key_ops,
            key,
            enabled: bundle.enabled,
            not_before: time_argument::date_from_wire(bundle.not_before),
            expires: time_argument::date_from_wire(bundle.expires),
            created: time_argument::from_wire(bundle.created),
            updated: time_argument::from_wire(bundle.updated),
            exportable: bundle.exportable,
            recovery_level: bundle.recovery_level,
            recoverable_days: bundle.recoverable_days,
            tags: bundle.tags.into_iter().collect(),
            aes_mode_family: Some(bundle.aes_mode_family).filter(|family| !family.is_empty()),
            managed: bundle.managed,
        }
    }
}

impl KeyView {
    /// Returns the key type with the size or curve: `RSA-HSM 3072` or `EC-HSM P-256`.
    fn kind(&self) -> String {
        match (&self.key, self.key_size) {
            (Some(PublicKey::Ec { crv, .. }), _) => format!("{} {crv}", self.kty),
            (_, Some(bits)) => format!("{} {bits}", self.kty),
            _ => self.kty.clone(),
        }
    }

    /// Formats all fields as text.
    pub(super) fn text(&self) -> String {
        table::fields(&self.fields())
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("name", self.name.clone()),
            ("type", self.kind()),
            ("operations", self.key_ops.join(", ")),
            ("AES modes", self.aes_mode_family.clone().unwrap_or_default()),
            ("enabled", table::yes_or_no(self.enabled)),
            ("not before", time_argument::format(self.not_before)),
            ("expires", time_argument::format(self.expires)),
            ("created", time_argument::format(self.created)),
            ("updated", time_argument::format(self.updated)),
            ("recovery", table::recovery(&self.recovery_level, self.recoverable_days)),
            ("tags", object_view::tag_list(&self.tags)),
            ("managed", object_view::managed(self.managed)),
        ]
    }
}

impl TableRow for KeyView {
    const HEADINGS: &'static [&'static str] = &["NAME", "TYPE", "OPERATIONS", "ENABLED", "EXPIRES", "TAGS"];

    fn cells(&self) -> Vec<String> {
        vec![
            object_view::short_name(&self.name).to_owned(),
            self.kind(),
            self.key_ops.join(","),
            table::yes_or_no(self.enabled),
            time_argument::format(self.expires),
            object_view::tag_list(&self.tags),
        ]
    }
}

/// A version in a list of versions.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct VersionView(pub(super) KeyView);

impl TableRow for VersionView {
    const HEADINGS: &'static [&'static str] = &["VERSION", "TYPE", "ENABLED", "CREATED", "EXPIRES"];

    fn cells(&self) -> Vec<String> {
        let key = &self.0;
        vec![
            object_view::version(&key.name).to_owned(),
            key.kind(),
            table::yes_or_no(key.enabled),
            time_argument::format(key.created),
            time_argument::format(key.expires),
        ]
    }
}

/// A deleted key.
#[derive(Serialize)]
pub(super) struct DeletedKeyView {
    name: String,
    deleted_at: Option<Timestamp>,
    scheduled_purge_at: Option<Timestamp>,
    key: Option<KeyView>,
}

impl From<pb::DeletedKeyBundle> for DeletedKeyView {
    fn from(bundle: pb::DeletedKeyBundle) -> Self {
        Self {
            name: bundle.name,
            deleted_at: time_argument::from_wire(bundle.deleted_at),
            scheduled_purge_at: time_argument::from_wire(bundle.scheduled_purge_at),
            key: bundle.key.map(KeyView::from),
        }
    }
}

impl DeletedKeyView {
    /// Formats all fields as text.
    pub(super) fn text(&self) -> String {
        let mut fields = vec![
            ("name", self.name.clone()),
            ("deleted", time_argument::format(self.deleted_at)),
            ("scheduled purge", time_argument::format_purge(self.deleted_at, self.scheduled_purge_at)),
        ];
        if let Some(key) = &self.key {
            fields.extend(key.fields().into_iter().skip(1));
        }
        table::fields(&fields)
    }
}

impl TableRow for DeletedKeyView {
    const HEADINGS: &'static [&'static str] = &["NAME", "TYPE", "DELETED", "SCHEDULED PURGE"];

    fn cells(&self) -> Vec<String> {
        vec![
            object_view::short_name(&self.name).to_owned(),
            self.key.as_ref().map(KeyView::kind).unwrap_or_default(),
            time_argument::format(self.deleted_at),
            time_argument::format(self.scheduled_purge_at),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle() -> pb::KeyBundle {
        pb::KeyBundle {
            name: "hsms/local/keys/invoices/versions/75f0e58fa686411f25e386edb8c4879c".into(),
            kty: "EC-HSM".into(),
            key_ops: vec!["sign".into(), "verify".into()],
            key: Some(pb::JsonWebKey { crv: "P-256".into(), x: vec![1], y: vec![2], ..Default::default() }),
            enabled: true,
            created: Some(prost_types::Timestamp { seconds: 1_798_761_600, nanos: 0 }),
            recovery_level: "Recoverable+Purgeable".into(),
            recoverable_days: 90,
            tags: [("team".into(), "billing".into())].into(),
            ..Default::default()
        }
    }

    #[test]
    fn formats_keys_as_text() {
        insta::assert_snapshot!(KeyView::from(bundle()).text(), @"
        name        hsms/local/keys/invoices/versions/75f0e58fa686411f25e386edb8c4879c
        type        EC-HSM P-256
        operations  sign, verify
        enabled     yes
        created     2027-01-01 00:00:00Z
        recovery    Recoverable+Purgeable, 90 days
        tags        team=billing
        ");
        let row = KeyView::from(bundle());
        insta::assert_snapshot!(table::columns(KeyView::HEADINGS, &[row.cells()]), @"
        NAME      TYPE          OPERATIONS   ENABLED  EXPIRES  TAGS
        invoices  EC-HSM P-256  sign,verify  yes               team=billing
        ");
    }

    #[test]
    fn formats_keys_as_json() {
        insta::assert_json_snapshot!(KeyView::from(bundle()), @r#"
        {
          "name": "hsms/local/keys/invoices/versions/75f0e58fa686411f25e386edb8c4879c",
          "kty": "EC-HSM",
          "key_size": null,
          "key_ops": [
            "sign",
            "verify"
          ],
          "key": {
            "crv": "P-256",
            "x": "AQ",
            "y": "Ag"
          },
          "enabled": true,
          "not_before": null,
          "expires": null,
          "created": "2027-01-01T00:00:00Z",
          "updated": null,
          "exportable": false,
          "recovery_level": "Recoverable+Purgeable",
          "recoverable_days": 90,
          "tags": {
            "team": "billing"
          },
          "aes_mode_family": null
        }
        "#);
    }

    #[test]
    fn deleted_keys_show_their_scheduled_purge() {
        let deleted = DeletedKeyView::from(pb::DeletedKeyBundle {
            name: "hsms/local/deletedKeys/invoices".into(),
            key: Some(bundle()),
            deleted_at: Some(prost_types::Timestamp { seconds: 1_798_761_600, nanos: 0 }),
            scheduled_purge_at: Some(prost_types::Timestamp { seconds: 1_799_366_400, nanos: 0 }),
        });
        insta::assert_snapshot!(table::columns(DeletedKeyView::HEADINGS, &[deleted.cells()]), @"
        NAME      TYPE          DELETED               SCHEDULED PURGE
        invoices  EC-HSM P-256  2027-01-01 00:00:00Z  2027-01-08 00:00:00Z
        ");
        assert!(deleted.text().starts_with("name             hsms/local/deletedKeys/invoices\n"));
    }
}
