//! Converts the messages of `certificate_policy.proto`.

use super::super::pb;
use super::{parse_field, wire_instant};
use crate::model::certificate::key_properties::KeyMembers;
use crate::model::certificate::x509_properties::X509Members;
use crate::model::certificate::{
    CertificatePolicy, IssuerParameters, KeyProperties, LifetimeAction, PolicyMembers,
    SubjectAlternativeNames, Trigger, X509Properties,
};
use crate::model::resource_kind::Resource;
use crate::model::{Error, Field, Result};
use crate::ops::certificates::PolicyBundle;

/// The fields that an update mask may contain.
const MASK: &str = "the update mask may contain key, secret, x509, lifetime_actions, issuer and enabled";

/// Parses the policy of a new version. What is not set has its default.
pub(super) fn members(policy: pb::CertificatePolicy) -> Result<PolicyMembers> {
    let content_type = |secret: pb::CertificateSecretProperties| {
        let text = secret.content_type.as_deref();
        text.map(str::parse).transpose()
    };
    let actions: Vec<_> = policy.lifetime_actions.into_iter().map(lifetime_action).collect::<Result<_>>()?;
    Ok(PolicyMembers {
        key: policy.key.map(key_members),
        secret: policy.secret.map(content_type).transpose()?,
        x509: policy.x509.map(x509_members).transpose()?,
        lifetime_actions: Some(actions).filter(|actions| !actions.is_empty()),
        issuer: policy.issuer.map(issuer_parameters).transpose()?,
        enabled: policy.enabled,
    })
}

/// Parses the members that an update mask names. Those that are not set get their defaults.
pub(super) fn masked_members(
    policy: Option<pb::CertificatePolicy>,
    mask: Option<prost_types::FieldMask>,
) -> Result<PolicyMembers> {
    let mask = mask.unwrap_or_default().paths;
    if mask.is_empty() {
        return Err(Error::invalid(Field::UpdateMask, "the update mask is empty"));
    }
    let given = members(policy.unwrap_or_default())?;
    let mut members = PolicyMembers::default();
    for path in &mask {
        let missing = || {
            let why = format!("the update mask names {path}, but the policy does not have it");
            Error::invalid(Field::UpdateMask, why)
        };
        match path.as_str() {
            "key" => members.key = Some(given.key.clone().unwrap_or_default()),
            "secret" => members.secret = Some(given.secret.flatten()),
            "x509" => members.x509 = Some(given.x509.clone().unwrap_or_default()),
            "lifetime_actions" => {
                members.lifetime_actions = Some(given.lifetime_actions.clone().unwrap_or_default());
            }
            "issuer" => members.issuer = Some(given.issuer.clone().ok_or_else(missing)?),
            "enabled" => members.enabled = Some(given.enabled.ok_or_else(missing)?),
            _ => return Err(Error::invalid(Field::UpdateMask, MASK)),
        }
    }
    Ok(members)
}

fn key_members(key: pb::CertificateKeyProperties) -> KeyMembers {
    let pb::CertificateKeyProperties { kty, key_size, crv, exportable, reuse_key } = key;
    KeyMembers { kty, key_size, crv, exportable, reuse_key }
}

fn x509_members(x509: pb::X509Properties) -> Result<X509Members> {
    let names = x509.sans.unwrap_or_default();
    let pb::CertificateAlternativeNames { dns_names, emails, upns, uris, ip_addresses } = names;
    Ok(X509Members {
        subject: x509.subject,
        sans: SubjectAlternativeNames::parse(dns_names, emails, upns, uris, &ip_addresses)?,
        ekus: x509.ekus.map(|ekus| ekus.oids),
        key_usage: x509.key_usage.map(|usages| usages.names),
        validity_months: x509.validity_months,
    })
}

fn lifetime_action(action: pb::CertificateLifetimeAction) -> Result<LifetimeAction> {
    let pb::CertificateLifetimeAction { action, lifetime_percentage, days_before_expiry } = action;
    let action = action.parse()?;
    // The message has no trigger: its members are those of the action.
    let trigger = match Trigger::new(lifetime_percentage.map(i64::from), days_before_expiry.map(i64::from)) {
        Err(Error::Invalid { field: Field::PolicyLifetimeActionsTrigger, why }) => {
            return Err(Error::Invalid { field: Field::PolicyLifetimeActions, why });
        }
        trigger => trigger?,
    };
    Ok(LifetimeAction { trigger, action })
}

fn issuer_parameters(issuer: pb::CertificateIssuerParameters) -> Result<IssuerParameters> {
    let pb::CertificateIssuerParameters { name, certificate_type, certificate_transparency } = issuer;
    let name = parse_field(Field::PolicyIssuerName, &name)?;
    Ok(IssuerParameters { name, certificate_type, transparency: certificate_transparency })
}

impl From<KeyProperties> for pb::CertificateKeyProperties {
    fn from(key: KeyProperties) -> Self {
        Self {
            kty: Some(key.kty().to_owned()),
            key_size: Some(key.key_size().into()),
            crv: key.crv().map(|curve| curve.as_str().to_owned()),
            exportable: Some(key.exportable),
            reuse_key: Some(key.reuse_key),
        }
    }
}

impl From<X509Properties> for pb::X509Properties {
    fn from(x509: X509Properties) -> Self {
        let X509Properties { subject, sans, ekus, key_usage, validity_months, ca } = x509;
        let has_names = !sans.is_empty();
        let SubjectAlternativeNames { dns_names, emails, upns, uris, ip_addresses } = sans;
        let ip_addresses = ip_addresses.iter().map(ToString::to_string).collect();
        let names = pb::CertificateAlternativeNames { dns_names, emails, upns, uris, ip_addresses };
        let (oids, usages) =
            (ekus.into_iter().map(String::from).collect(), key_usage.into_iter().map(String::from).collect());
        Self {
            subject,
            sans: has_names.then_some(names),
            ekus: Some(pb::CertificateExtendedKeyUsages { oids }),
            key_usage: Some(pb::CertificateKeyUsages { names: usages }),
            validity_months: Some(validity_months.get()),
            ca,
        }
    }
}

impl From<LifetimeAction> for pb::CertificateLifetimeAction {
    fn from(LifetimeAction { trigger, action }: LifetimeAction) -> Self {
        let (percentage, days) = match trigger {
            Trigger::LifetimePercentage(percentage) => (Some(percentage.into()), None),
            Trigger::DaysBeforeExpiry(days) => (None, Some(days)),
        };
        Self { action: action.to_string(), lifetime_percentage: percentage, days_before_expiry: days }
    }
}

impl From<IssuerParameters> for pb::CertificateIssuerParameters {
    fn from(issuer: IssuerParameters) -> Self {
        Self {
            name: issuer.name.to_string(),
            certificate_type: issuer.certificate_type,
            certificate_transparency: issuer.transparency,
        }
    }
}

impl From<PolicyBundle> for pb::CertificatePolicy {
    fn from(PolicyBundle { certificate, policy }: PolicyBundle) -> Self {
        let name = Resource::certificate(&certificate.vault, &certificate.name).name;
        let CertificatePolicy { key, content_type, x509, lifetime_action, issuer, enabled, created, updated } =
            policy;
        let content_type = Some(content_type.to_string());
        Self {
            name: format!("{name}/policy"),
            key: Some(key.into()),
            secret: Some(pb::CertificateSecretProperties { content_type }),
            x509: Some(x509.into()),
            lifetime_actions: vec![lifetime_action.into()],
            issuer: Some(issuer.into()),
            enabled: Some(enabled),
            created: Some(wire_instant(created)),
            updated: Some(wire_instant(updated)),
        }
    }
}
