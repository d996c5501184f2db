//! The printed form of secrets.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

use crate::api::grpc::pb;
use crate::cli::output::TableRow;
use crate::cli::{object_view, table, time_argument};
use crate::model::Timestamp;
use crate::model::key_date::KeyDate;

/// One version of a secret.
#[derive(Serialize)]
pub(super) struct SecretView {
    name: String,
    /// Absent in results without values.
    #[serde(serialize_with = "text", skip_serializing_if = "Option::is_none")]
    value: Option<Zeroizing<String>>,
    content_type: Option<String>,
    enabled: bool,
    not_before: Option<KeyDate>,
    expires: Option<KeyDate>,
    created: Option<Timestamp>,
    updated: Option<Timestamp>,
    recovery_level: String,
    recoverable_days: u32,
    tags: BTreeMap<String, String>,
    /// Whether it belongs to a certificate.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    managed: bool,
}

fn text<S: Serializer>(value: &Option<Zeroizing<String>>, serializer: S) -> Result<S::Ok, S::Error> {
    value.as_ref().map(|value| value.as_str()).serialize(serializer)
}

impl From<pb::SecretBundle> for SecretView {
    fn from(bundle: pb::SecretBundle) -> Self {
        Self {
            name: bundle.name,
            value: bundle.value.map(Zeroizing::new),
            content_type: Some(bundle.content_type).filter(|text| !text.is_empty()),
            enabled: bundle.enabled,
            not_before: time_argument::date_from_wire(bundle.not_before),
            expires: time_argument::date_from_wire(bundle.expires),
            created: time_argument::from_wire(bundle.created),
            updated: time_argument::from_wire(bundle.updated),
            recovery_level: bundle.recovery_level,
            recoverable_days: bundle.recoverable_days,
            tags: bundle.tags.into_iter().collect(),
            managed: bundle.managed,
        }
    }
}

impl SecretView {
    /// Removes the value.
    pub(super) fn without_value(self) -> Self {
        Self { value: None, ..self }
    }

    /// Returns the value; empty if there is none.
    pub(super) fn value(&self) -> &str {
        self.value.as_ref().map_or("", |value| value.as_str())
    }

    /// Formats all fields as text. Control characters of the value are replaced.
    pub(super) fn text(&self) -> String {
        table::fields(&self.fields())
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("name", self.name.clone()),
            ("value", self.value().to_owned()),
            ("content type", self.content_type.clone().unwrap_or_default()),
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

impl TableRow for SecretView {
    const HEADINGS: &'static [&'static str] =
        &["NAME", "CONTENT TYPE", "ENABLED", "UPDATED", "EXPIRES", "TAGS"];

    fn cells(&self) -> Vec<String> {
        vec![
            object_view::short_name(&self.name).to_owned(),
            self.content_type.clone().unwrap_or_default(),
            table::yes_or_no(self.enabled),
            time_argument::format(self.updated),
            time_argument::format(self.expires),
            object_view::tag_list(&self.tags),
        ]
    }
}

/// A version in a list of versions.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct VersionView(pub(super) SecretView);

impl TableRow for VersionView {
    const HEADINGS: &'static [&'static str] = &["VERSION", "CONTENT TYPE", "ENABLED", "CREATED", "EXPIRES"];

    fn cells(&self) -> Vec<String> {
        let secret = &self.0;
        vec![
            object_view::version(&secret.name).to_owned(),
            secret.content_type.clone().unwrap_or_default(),
            table::yes_or_no(secret.enabled),
            time_argument::format(secret.created),
            time_argument::format(secret.expires),
        ]
    }
}

/// A deleted secret.
#[derive(Serialize)]
pub(super) struct DeletedSecretView {
    name: String,
    deleted_at: Option<Timestamp>,
    scheduled_purge_at: Option<Timestamp>,
    secret: Option<SecretView>,
}

impl From<pb::DeletedSecretBundle> for DeletedSecretView {
    fn from(bundle: pb::DeletedSecretBundle) -> Self {
        Self {
            name: bundle.name,
            deleted_at: time_argument::from_wire(bundle.deleted_at),
            scheduled_purge_at: time_argument::from_wire(bundle.scheduled_purge_at),
            secret: bundle.secret.map(SecretView::from),
        }
    }
}

impl DeletedSecretView {
    /// Formats all fields as text.
    pub(super) fn text(&self) -> String {
        let mut fields = vec![
            ("name", self.name.clone()),
            ("deleted", time_argument::format(self.deleted_at)),
            ("scheduled purge", time_argument::format_purge(self.deleted_at, self.scheduled_purge_at)),
        ];
        if let Some(secret) = &self.secret {
            fields.extend(secret.fields().into_iter().skip(1));
        }
        table::fields(&fields)
    }
}

impl TableRow for DeletedSecretView {
    const HEADINGS: &'static [&'static str] = &["NAME", "CONTENT TYPE", "DELETED", "SCHEDULED PURGE"];

    fn cells(&self) -> Vec<String> {
        let secret = self.secret.as_ref();
        vec![
            object_view::short_name(&self.name).to_owned(),
            secret.and_then(|secret| secret.content_type.clone()).unwrap_or_default(),
            time_argument::format(self.deleted_at),
            time_argument::format(self.scheduled_purge_at),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle() -> pb::SecretBundle {
        pb::SecretBundle {
            name: "vaults/demo/secrets/password/versions/75f0e58fa686411f25e386edb8c4879c".into(),
            value: Some("hunter2\u{1b}[2J".into()),
            content_type: "text/plain".into(),
            enabled: true,
            created: Some(prost_types::Timestamp { seconds: 1_798_761_600, nanos: 0 }),
            recovery_level: "Recoverable+Purgeable".into(),
            recoverable_days: 90,
            tags: [("team".into(), "billing".into())].into(),
            ..Default::default()
        }
    }

    #[test]
    fn formats_secrets_as_text() {
        let view = SecretView::from(bundle());
        insta::assert_snapshot!(view.text(), @"
        name          vaults/demo/secrets/password/versions/75f0e58fa686411f25e386edb8c4879c
        value         hunter2�[2J
        content type  text/plain
        enabled       yes
        created       2027-01-01 00:00:00Z
        recovery      Recoverable+Purgeable, 90 days
        tags          team=billing
        ");
        insta::assert_snapshot!(table::columns(SecretView::HEADINGS, &[view.cells()]), @"
        NAME      CONTENT TYPE  ENABLED  UPDATED  EXPIRES  TAGS
        password  text/plain    yes                        team=billing
        ");
        assert!(!view.without_value().text().contains("hunter2"));
    }

    #[test]
    fn formats_secrets_as_json() {
        let without = pb::SecretBundle { value: None, ..bundle() };
        let json = serde_json::to_value(SecretView::from(without)).unwrap();
        assert!(json.get("value").is_none(), "{json}");
        insta::assert_json_snapshot!(SecretView::from(bundle()), @r#"
        {
          "name": "vaults/demo/secrets/password/versions/75f0e58fa686411f25e386edb8c4879c",
          "value": "hunter2\u001b[2J",
          "content_type": "text/plain",
          "enabled": true,
          "not_before": null,
          "expires": null,
          "created": "2027-01-01T00:00:00Z",
          "updated": null,
          "recovery_level": "Recoverable+Purgeable",
          "recoverable_days": 90,
          "tags": {
            "team": "billing"
          }
        }
        "#);
    }

    #[test]
    fn deleted_secrets_show_their_scheduled_purge() {
        let deleted = DeletedSecretView::from(pb::DeletedSecretBundle {
            name: "vaults/demo/deletedSecrets/password".into(),
            secret: Some(pb::SecretBundle { value: None, ..bundle() }),
            deleted_at: Some(prost_types::Timestamp { seconds: 1_798_761_600, nanos: 0 }),
            scheduled_purge_at: Some(prost_types::Timestamp { seconds: 1_799_366_400, nanos: 0 }),
        });
        insta::assert_snapshot!(table::columns(DeletedSecretView::HEADINGS, &[deleted.cells()]), @"
        NAME      CONTENT TYPE  DELETED               SCHEDULED PURGE
        password  text/plain    2027-01-01 00:00:00Z  2027-01-08 00:00:00Z
        ");
        assert!(deleted.text().starts_with("name             vaults/demo/deletedSecrets/password\n"));
    }
}
