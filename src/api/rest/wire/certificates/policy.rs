//! Policies of certificates, in requests and responses.

use serde::{Deserialize, Serialize};

use super::super::super::call::RequestInput;
use super::super::super::endpoint::Endpoint;
use super::url;
use crate::model::certificate::key_properties::KeyMembers;
use crate::model::certificate::x509_properties::X509Members;
use crate::model::certificate::{
    CertificatePolicy, IssuerParameters, LifetimeAction, PolicyMembers, SubjectAlternativeNames, Trigger,
};
use crate::model::name::CertificateName;
use crate::model::{Error, Field, Result};
use crate::ops::certificates::{GetCertificatePolicy, PolicyBundle, UpdateCertificatePolicy};

/// A policy in a request. `null` counts as absent; members that a caller cannot set are ignored.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct SentPolicy {
    key_props: Option<SentKey>,
    secret_props: Option<SentSecret>,
    x509_props: Option<SentX509>,
    lifetime_actions: Option<Vec<SentAction>>,
    issuer: Option<SentIssuer>,
    attributes: Option<super::SentAttributes>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SentKey {
    exportable: Option<bool>,
    kty: Option<String>,
    key_size: Option<u32>,
    reuse_key: Option<bool>,
    crv: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SentSecret {
    content_type: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SentX509 {
    subject: Option<String>,
    sans: Option<SentNames>,
    ekus: Option<Vec<String>>,
    key_usage: Option<Vec<String>>,
    validity_months: Option<u32>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SentNames {
    dns_names: Option<Vec<String>>,
    emails: Option<Vec<String>>,
    upns: Option<Vec<String>>,
    uris: Option<Vec<String>>,
    #[serde(rename = "ipAddresses")]
    ip_addresses: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SentAction {
    trigger: Option<SentTrigger>,
    action: Option<SentActionType>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SentTrigger {
    lifetime_percentage: Option<i64>,
    days_before_expiry: Option<i64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SentActionType {
    action_type: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SentIssuer {
    name: Option<String>,
    cty: Option<String>,
    cert_transparency: Option<bool>,
}

impl SentPolicy {
    /// Returns the members for the domain.
    pub(super) fn members(self) -> Result<PolicyMembers> {
        let key = self.key_props.map(|SentKey { exportable, kty, key_size, reuse_key, crv }| KeyMembers {
            kty,
            key_size,
            crv,
            exportable,
            reuse_key,
        });
        let content_type = |sent: SentSecret| sent.content_type.as_deref().map(str::parse).transpose();
        let actions = |sent: Vec<SentAction>| sent.into_iter().map(SentAction::action).collect();
        Ok(PolicyMembers {
            key,
            secret: self.secret_props.map(content_type).transpose()?,
            x509: self.x509_props.map(SentX509::members).transpose()?,
            lifetime_actions: self.lifetime_actions.map(actions).transpose()?,
            issuer: match self.issuer {
                Some(SentIssuer { name: Some(name), cty, cert_transparency }) => Some(IssuerParameters {
                    name: name.parse()?,
                    certificate_type: cty,
                    transparency: cert_transparency,
                }),
                _ => None,
            },
            enabled: self.attributes.unwrap_or_default().enabled,
        })
    }
}

impl SentX509 {
    fn members(self) -> Result<X509Members> {
        let names = self.sans.unwrap_or_default();
        let sans = SubjectAlternativeNames::parse(
            names.dns_names.unwrap_or_default(),
            names.emails.unwrap_or_default(),
            names.upns.unwrap_or_default(),
            names.uris.unwrap_or_default(),
            &names.ip_addresses.unwrap_or_default(),
        )?;
        let Self { subject, ekus, key_usage, validity_months, .. } = self;
        Ok(X509Members { subject, sans, ekus, key_usage, validity_months })
    }
}

impl SentAction {
    fn action(self) -> Result<LifetimeAction> {
        let SentTrigger { lifetime_percentage, days_before_expiry } = self.trigger.unwrap_or_default();
        let missing = || Error::invalid(Field::PolicyLifetimeActionsAction, "the action is missing");
        let action = self.action.and_then(|action| action.action_type).ok_or_else(missing)?;
        Ok(LifetimeAction {
            trigger: Trigger::new(lifetime_percentage, days_before_expiry)?,
            action: action.parse()?,
        })
    }
}

pub(in super::super::super) fn get_policy(input: &RequestInput<'_>) -> Result<GetCertificatePolicy> {
    Ok(GetCertificatePolicy { certificate: input.certificate()? })
}

pub(in super::super::super) fn update_policy(input: &RequestInput<'_>) -> Result<UpdateCertificatePolicy> {
    let policy = input.body::<SentPolicy>()?.members()?;
    Ok(UpdateCertificatePolicy { certificate: input.certificate()?, policy })
}

pub(in super::super::super) fn shown(endpoint: &Endpoint, bundle: PolicyBundle) -> Policy {
    Policy::new(endpoint, &bundle.certificate.name, &bundle.policy)
}

/// A policy.
#[derive(Serialize)]
pub(in super::super::super) struct Policy {
    id: String,
    key_props: Key,
    secret_props: Secret,
    x509_props: X509,
    lifetime_actions: [Action; 1],
    issuer: Issuer,
    attributes: Attributes,
}

#[derive(Serialize)]
struct Key {
    exportable: bool,
    kty: &'static str,
    key_size: u16,
    reuse_key: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    crv: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Secret {
    content_type: &'static str,
}

#[derive(Serialize)]
struct X509 {
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sans: Option<Names>,
    ekus: Vec<String>,
    key_usage: Vec<&'static str>,
    validity_months: u32,
    basic_constraints: BasicConstraints,
}

#[derive(Serialize)]
struct Names {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dns_names: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    emails: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    upns: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    uris: Vec<String>,
    #[serde(rename = "ipAddresses", skip_serializing_if = "Vec::is_empty")]
    ip_addresses: Vec<std::net::IpAddr>,
}

#[derive(Serialize)]
struct BasicConstraints {
    ca: bool,
}

#[derive(Serialize)]
struct Action {
    trigger: Trigger,
    action: ActionType,
}

#[derive(Serialize)]
struct ActionType {
    action_type: &'static str,
}

#[derive(Serialize)]
struct Issuer {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cty: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cert_transparency: Option<bool>,
}

/// Times are Unix times in seconds.
#[derive(Serialize)]
struct Attributes {
    enabled: bool,
    created: i64,
    updated: i64,
}

impl Policy {
    pub(super) fn new(endpoint: &Endpoint, name: &CertificateName, policy: &CertificatePolicy) -> Self {
        let CertificatePolicy { key, content_type, x509, lifetime_action, issuer, .. } = policy;
        let SubjectAlternativeNames { dns_names, emails, upns, uris, ip_addresses } = x509.sans.clone();
        let names = Names { dns_names, emails, upns, uris, ip_addresses };
        Self {
            id: format!("{}/policy", url(endpoint, name)),
            key_props: Key {
                exportable: key.exportable,
                kty: key.kty(),
                key_size: key.key_size(),
                reuse_key: key.reuse_key,
                crv: key.crv().map(crate::model::key::Curve::as_str),
            },
            secret_props: Secret { content_type: content_type.as_str() },
            x509_props: X509 {
                subject: x509.subject.clone(),
                sans: (!x509.sans.is_empty()).then_some(names),
                ekus: x509.ekus.iter().map(ToString::to_string).collect(),
                key_usage: x509.key_usage.iter().map(|usage| usage.as_str()).collect(),
                validity_months: x509.validity_months.get(),
                basic_constraints: BasicConstraints { ca: x509.ca },
            },
            lifetime_actions: [Action {
                trigger: lifetime_action.trigger,
                action: ActionType { action_type: lifetime_action.action.as_str() },
            }],
            issuer: Issuer {
                name: issuer.name.to_string(),
                cty: issuer.certificate_type.clone(),
                cert_transparency: issuer.transparency,
            },
            attributes: Attributes {
                enabled: policy.enabled,
                created: policy.created.as_second(),
                updated: policy.updated.as_second(),
            },
        }
    }
}
