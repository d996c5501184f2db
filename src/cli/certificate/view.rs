//! The printed form of certificates.

use std::collections::BTreeMap;

use serde::Serialize;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::policy_document::PolicyDocument;
use crate::api::grpc::pb;
use crate::cli::input::encode;
use crate::cli::output::TableRow;
use crate::cli::{object_view, table, time_argument};
use crate::model::Timestamp;
use crate::model::key_date::KeyDate;

/// One version of a certificate.
#[derive(Serialize)]
pub(super) struct CertificateView {
    name: String,
    /// Absent before the first version is issued, and in lists; like the four below.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    serial_number: Option<String>,
    /// In base64url.
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<PolicyDocument>,
    /// In hexadecimal digits.
    thumbprint: Option<String>,
    key: Option<String>,
    secret: Option<String>,
    operation: Option<String>,
    enabled: bool,
    not_before: Option<KeyDate>,
    expires: Option<KeyDate>,
    created: Option<Timestamp>,
    updated: Option<Timestamp>,
    recovery_level: String,
    recoverable_days: u32,
    tags: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    preserve_order: bool,
    /// The policy as text, by the names of its members.
    #[serde(skip)]
    policy_fields: Vec<(&'static str, String)>,
}

fn non_empty(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

impl From<pb::CertificateBundle> for CertificateView {
    fn from(bundle: pb::CertificateBundle) -> Self {
        let parsed = X509Certificate::from_der(&bundle.certificate).ok().map(|(_, certificate)| certificate);
        Self {
            subject: parsed.as_ref().map(|parsed| parsed.subject().to_string()),
            issuer: parsed.as_ref().map(|parsed| parsed.issuer().to_string()),
            serial_number: parsed.as_ref().map(|parsed| hexadecimal(parsed.raw_serial())),
            policy_fields: bundle.policy.as_ref().map(policy_fields).unwrap_or_default(),
            policy: bundle.policy.map(PolicyDocument::from),
            name: bundle.name,
            certificate: non_empty(encode(&bundle.certificate)),
            thumbprint: non_empty(hexadecimal(&bundle.thumbprint)),
            key: non_empty(bundle.key),
            secret: non_empty(bundle.secret),
            operation: non_empty(bundle.operation),
            enabled: bundle.enabled,
            not_before: time_argument::date_from_wire(bundle.not_before),
            expires: time_argument::date_from_wire(bundle.expires),
            created: time_argument::from_wire(bundle.created),
            updated: time_argument::from_wire(bundle.updated),
            recovery_level: bundle.recovery_level,
            recoverable_days: bundle.recoverable_days,
            tags: bundle.tags.into_iter().collect(),
            preserve_order: bundle.preserve_order,
        }
    }
}

/// Returns the members of a policy as text.
pub(super) fn policy_fields(policy: &pb::CertificatePolicy) -> Vec<(&'static str, String)> {
    let key = policy.key.clone().unwrap_or_default();
    let size = key.crv.or(key.key_size.map(|bits| bits.to_string())).unwrap_or_default();
    let x509 = policy.x509.clone().unwrap_or_default();
    let sans = x509.sans.unwrap_or_default();
    let names = [sans.dns_names, sans.emails, sans.upns, sans.uris, sans.ip_addresses].concat();
    let actions =
        policy.lifetime_actions.iter().map(|one| match (one.lifetime_percentage, one.days_before_expiry) {
            (Some(percentage), _) => format!("{} at {percentage} % of the lifetime", one.action),
            (None, days) => format!("{} {} days before expiry", one.action, days.unwrap_or_default()),
        });
    vec![
        ("policy subject", x509.subject.unwrap_or_default()),
        ("policy names", names.join(", ")),
        ("policy usages", x509.key_usage.unwrap_or_default().names.join(", ")),
        ("policy ekus", x509.ekus.unwrap_or_default().oids.join(", ")),
        (
            "policy validity",
            x509.validity_months.map(|months| format!("{months} months")).unwrap_or_default(),
        ),
        ("policy key", format!("{} {size}", key.kty.unwrap_or_default()).trim().to_owned()),
        ("policy exportable", key.exportable.map(table::yes_or_no).unwrap_or_default()),
        ("policy reuses key", key.reuse_key.map(table::yes_or_no).unwrap_or_default()),
        ("policy secret", policy.secret.clone().and_then(|secret| secret.content_type).unwrap_or_default()),
        ("policy issuer", policy.issuer.clone().map(|issuer| issuer.name).unwrap_or_default()),
        ("policy action", actions.collect::<Vec<_>>().join(", ")),
    ]
}

impl CertificateView {
    /// Formats all fields as text, except the certificate.
    pub(super) fn text(&self) -> String {
        table::fields(&self.fields())
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let mut fields = vec![
            ("name", self.name.clone()),
            ("subject", text(&self.subject)),
            ("issuer", text(&self.issuer)),
            ("serial number", text(&self.serial_number)),
            ("thumbprint", text(&self.thumbprint)),
            ("key", text(&self.key)),
            ("secret", text(&self.secret)),
            ("operation", text(&self.operation)),
            ("enabled", table::yes_or_no(self.enabled)),
            ("not before", time_argument::format(self.not_before)),
            ("expires", time_argument::format(self.expires)),
            ("created", time_argument::format(self.created)),
            ("updated", time_argument::format(self.updated)),
            ("recovery", format!("{}, {} days", self.recovery_level, self.recoverable_days)),
            ("tags", object_view::tag_list(&self.tags)),
            ("order", if self.preserve_order { "preserved".into() } else { String::new() }),
        ];
        fields.extend(self.policy_fields.iter().cloned());
        fields
    }
}

impl TableRow for CertificateView {
    const HEADINGS: &'static [&'static str] =
        &["NAME", "ENABLED", "UPDATED", "EXPIRES", "THUMBPRINT", "TAGS"];

    fn cells(&self) -> Vec<String> {
        vec![
            object_view::short_name(&self.name).to_owned(),
            table::yes_or_no(self.enabled),
            time_argument::format(self.updated),
            time_argument::format(self.expires),
            self.thumbprint.clone().unwrap_or_default(),
            object_view::tag_list(&self.tags),
        ]
    }
}

/// A version in a list of versions.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct VersionView(pub(super) CertificateView);

impl TableRow for VersionView {
    const HEADINGS: &'static [&'static str] = &["VERSION", "ENABLED", "CREATED", "EXPIRES", "THUMBPRINT"];

    fn cells(&self) -> Vec<String> {
        let certificate = &self.0;
        vec![
            object_view::version(&certificate.name).to_owned(),
            table::yes_or_no(certificate.enabled),
            time_argument::format(certificate.created),
            time_argument::format(certificate.expires),
            certificate.thumbprint.clone().unwrap_or_default(),
        ]
    }
}

/// A deleted certificate.
#[derive(Serialize)]
pub(super) struct DeletedCertificateView {
    name: String,
    deleted_at: Option<Timestamp>,
    scheduled_purge_at: Option<Timestamp>,
    certificate: Option<CertificateView>,
}

impl From<pb::DeletedCertificateBundle> for DeletedCertificateView {
    fn from(bundle: pb::DeletedCertificateBundle) -> Self {
        Self {
            name: bundle.name,
            deleted_at: time_argument::from_wire(bundle.deleted_at),
            scheduled_purge_at: time_argument::from_wire(bundle.scheduled_purge_at),
            certificate: bundle.certificate.map(CertificateView::from),
        }
    }
}

impl DeletedCertificateView {
    /// Formats all fields as text.
    pub(super) fn text(&self) -> String {
        let mut fields = vec![
            ("name", self.name.clone()),
            ("deleted", time_argument::format(self.deleted_at)),
            ("scheduled purge", time_argument::format(self.scheduled_purge_at)),
        ];
        if let Some(certificate) = &self.certificate {
            fields.extend(certificate.fields().into_iter().skip(1));
        }
        table::fields(&fields)
    }
}

impl TableRow for DeletedCertificateView {
    const HEADINGS: &'static [&'static str] = &["NAME", "DELETED", "SCHEDULED PURGE", "THUMBPRINT"];

    fn cells(&self) -> Vec<String> {
        let thumbprint = self.certificate.as_ref().and_then(|certificate| certificate.thumbprint.clone());
        vec![
            object_view::short_name(&self.name).to_owned(),
            time_argument::format(self.deleted_at),
            time_argument::format(self.scheduled_purge_at),
            thumbprint.unwrap_or_default(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle() -> pb::CertificateBundle {
        pb::CertificateBundle {
            name: "vaults/demo/certificates/web/versions/75f0e58fa686411f25e386edb8c4879c".into(),
            thumbprint: vec![0x0a, 0xff],
            enabled: true,
            created: Some(prost_types::Timestamp { seconds: 1_798_761_600, nanos: 0 }),
            recovery_level: "Recoverable+Purgeable".into(),
            recoverable_days: 90,
            tags: [("team".into(), "web\u{1b}[2J".into())].into(),
            ..Default::default()
        }
    }

    #[test]
    fn formats_certificates_as_text() {
        let policy = pb::CertificatePolicy {
            x509: Some(pb::X509Properties { subject: Some("CN=web".into()), ..Default::default() }),
            lifetime_actions: vec![pb::CertificateLifetimeAction {
                action: "AutoRenew".into(),
                lifetime_percentage: Some(80),
                days_before_expiry: None,
            }],
            ..Default::default()
        };
        let view = CertificateView::from(pb::CertificateBundle { policy: Some(policy), ..bundle() });
        insta::assert_snapshot!(view.text(), @"
        name            vaults/demo/certificates/web/versions/75f0e58fa686411f25e386edb8c4879c
        thumbprint      0AFF
        enabled         yes
        created         2027-01-01 00:00:00Z
        recovery        Recoverable+Purgeable, 90 days
        tags            team=web�[2J
        policy subject  CN=web
        policy action   AutoRenew at 80 % of the lifetime
        ");
        insta::assert_snapshot!(table::columns(CertificateView::HEADINGS, &[view.cells()]), @"
        NAME  ENABLED  UPDATED  EXPIRES  THUMBPRINT  TAGS
        web   yes                        0AFF        team=web�[2J
        ");
    }

    #[test]
    fn deleted_certificates_show_their_scheduled_purge() {
        let deleted = DeletedCertificateView::from(pb::DeletedCertificateBundle {
            name: "vaults/demo/deletedCertificates/web".into(),
            certificate: Some(bundle()),
            deleted_at: Some(prost_types::Timestamp { seconds: 1_798_761_600, nanos: 0 }),
            scheduled_purge_at: Some(prost_types::Timestamp { seconds: 1_799_366_400, nanos: 0 }),
        });
        insta::assert_snapshot!(table::columns(DeletedCertificateView::HEADINGS, &[deleted.cells()]), @"
        NAME  DELETED               SCHEDULED PURGE       THUMBPRINT
        web   2027-01-01 00:00:00Z  2027-01-08 00:00:00Z  0AFF
        ");
        assert!(deleted.text().starts_with("name             vaults/demo/deletedCertificates/web\n"));
    }
}
