//! Policies of certificates in JSON: the form of Azure's REST interface, and that of `az keyvault certificate`.

use serde::{Deserialize, Serialize};

use crate::api::grpc::pb;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::input::Source;
use crate::cli::time_argument;
use crate::model::Timestamp;

/// A policy. It is written with the names of the REST interface. Unknown members are an error, because a misspelled one would
/// mean the default.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct PolicyDocument {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(alias = "keyProperties", skip_serializing_if = "Option::is_none")]
    key_props: Option<Key>,
    #[serde(alias = "secretProperties", skip_serializing_if = "Option::is_none")]
    secret_props: Option<Secret>,
    #[serde(alias = "x509CertificateProperties", skip_serializing_if = "Option::is_none")]
    x509_props: Option<X509>,
    #[serde(alias = "lifetimeActions", skip_serializing_if = "Option::is_none")]
    lifetime_actions: Option<Vec<Action>>,
    #[serde(alias = "issuerParameters", skip_serializing_if = "Option::is_none")]
    issuer: Option<Issuer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<Attributes>,
}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Key {
    exportable: Option<bool>,
    #[serde(alias = "keyType")]
    kty: Option<String>,
    #[serde(alias = "keySize")]
    key_size: Option<u32>,
    #[serde(alias = "reuseKey")]
    reuse_key: Option<bool>,
    #[serde(alias = "curve", skip_serializing_if = "Option::is_none")]
    crv: Option<String>,
}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct Secret {
    content_type: Option<String>,
}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct X509 {
    subject: Option<String>,
    #[serde(alias = "subjectAlternativeNames", skip_serializing_if = "Option::is_none")]
    sans: Option<Names>,
    ekus: Option<Vec<String>>,
    #[serde(alias = "keyUsage")]
    key_usage: Option<Vec<String>>,
    #[serde(alias = "validityInMonths")]
    validity_months: Option<u32>,
    #[serde(alias = "basicConstraints", skip_serializing_if = "Option::is_none")]
    basic_constraints: Option<BasicConstraints>,
}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Names {
    #[serde(alias = "dnsNames")]
    dns_names: Option<Vec<String>>,
    emails: Option<Vec<String>>,
    upns: Option<Vec<String>>,
    uris: Option<Vec<String>>,
    #[serde(rename = "ipAddresses", alias = "ip_addresses")]
    ip_addresses: Option<Vec<String>>,
}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct BasicConstraints {
    ca: bool,
}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Action {
    trigger: Trigger,
    action: ActionType,
}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Trigger {
    #[serde(alias = "lifetimePercentage", skip_serializing_if = "Option::is_none")]
    lifetime_percentage: Option<u32>,
    #[serde(alias = "daysBeforeExpiry", skip_serializing_if = "Option::is_none")]
    days_before_expiry: Option<u32>,
}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ActionType {
    #[serde(alias = "actionType")]
    action_type: String,
}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Issuer {
    name: String,
    #[serde(alias = "certificateType", skip_serializing_if = "Option::is_none")]
    cty: Option<String>,
    #[serde(alias = "certificateTransparency", skip_serializing_if = "Option::is_none")]
    cert_transparency: Option<bool>,
}

/// Only `enabled` can be set; the others are those of the service, which clients write into their files.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Attributes {
    enabled: Option<bool>,
    #[serde(skip_deserializing)]
    created: Option<Timestamp>,
    #[serde(skip_deserializing)]
    updated: Option<Timestamp>,
}

/// Reads a policy from a file.
pub(super) fn read(source: &Source) -> Outcome<pb::CertificatePolicy> {
    let bytes = source.read()?;
    let document: PolicyDocument = serde_json::from_slice(&bytes.0).map_err(|error| {
        Failure::problem(format!("{source}: {error}"))
            .hint("`certificate policy show --output json` prints a policy in this form")
    })?;
    Ok(document.into())
}

impl From<PolicyDocument> for pb::CertificatePolicy {
    fn from(document: PolicyDocument) -> Self {
        let PolicyDocument {
            id: _,
            key_props,
            secret_props,
            x509_props,
            lifetime_actions,
            issuer,
            attributes,
        } = document;
        Self {
            key: key_props.map(|Key { exportable, kty, key_size, reuse_key, crv }| {
                pb::CertificateKeyProperties { kty, key_size, crv, exportable, reuse_key }
            }),
            secret: secret_props
                .map(|Secret { content_type }| pb::CertificateSecretProperties { content_type }),
            x509: x509_props.map(Into::into),
            lifetime_actions: lifetime_actions.unwrap_or_default().into_iter().map(Into::into).collect(),
            issuer: issuer.map(|Issuer { name, cty, cert_transparency }| pb::CertificateIssuerParameters {
                name,
                certificate_type: cty,
                certificate_transparency: cert_transparency,
            }),
            enabled: attributes.and_then(|attributes| attributes.enabled),
            ..Self::default()
        }
    }
}

impl From<X509> for pb::X509Properties {
    fn from(x509: X509) -> Self {
        let X509 { subject, sans, ekus, key_usage, validity_months, basic_constraints: _ } = x509;
        let names = |sans: Names| pb::CertificateAlternativeNames {
            dns_names: sans.dns_names.unwrap_or_default(),
            emails: sans.emails.unwrap_or_default(),
            upns: sans.upns.unwrap_or_default(),
            uris: sans.uris.unwrap_or_default(),
            ip_addresses: sans.ip_addresses.unwrap_or_default(),
        };
        Self {
            subject,
            sans: sans.map(names),
            ekus: ekus.map(|oids| pb::CertificateExtendedKeyUsages { oids }),
            key_usage: key_usage.map(|names| pb::CertificateKeyUsages { names }),
            validity_months,
            ca: false,
        }
    }
}

impl From<Action> for pb::CertificateLifetimeAction {
    fn from(Action { trigger, action }: Action) -> Self {
        let Trigger { lifetime_percentage, days_before_expiry } = trigger;
        Self { action: action.action_type, lifetime_percentage, days_before_expiry }
    }
}

impl From<pb::CertificatePolicy> for PolicyDocument {
    fn from(policy: pb::CertificatePolicy) -> Self {
        let key = |key: pb::CertificateKeyProperties| {
            let pb::CertificateKeyProperties { kty, key_size, crv, exportable, reuse_key } = key;
            Key { exportable, kty, key_size, reuse_key, crv }
        };
        let issuer = |issuer: pb::CertificateIssuerParameters| Issuer {
            name: issuer.name,
            cty: issuer.certificate_type,
            cert_transparency: issuer.certificate_transparency,
        };
        let action = |action: pb::CertificateLifetimeAction| Action {
            trigger: Trigger {
                lifetime_percentage: action.lifetime_percentage,
                days_before_expiry: action.days_before_expiry,
            },
            action: ActionType { action_type: action.action },
        };
        Self {
            id: Some(policy.name).filter(|name| !name.is_empty()),
            key_props: policy.key.map(key),
            secret_props: policy.secret.map(|secret| Secret { content_type: secret.content_type }),
            x509_props: policy.x509.map(Into::into),
            lifetime_actions: Some(policy.lifetime_actions.into_iter().map(action).collect()),
            issuer: policy.issuer.map(issuer),
            attributes: Some(Attributes {
                enabled: policy.enabled,
                created: time_argument::from_wire(policy.created),
                updated: time_argument::from_wire(policy.updated),
            }),
        }
    }
}

impl From<pb::X509Properties> for X509 {
    fn from(x509: pb::X509Properties) -> Self {
        let non_empty = |names: Vec<String>| Some(names).filter(|names| !names.is_empty());
        let names = |sans: pb::CertificateAlternativeNames| Names {
            dns_names: non_empty(sans.dns_names),
            emails: non_empty(sans.emails),
            upns: non_empty(sans.upns),
            uris: non_empty(sans.uris),
            ip_addresses: non_empty(sans.ip_addresses),
        };
        Self {
            subject: x509.subject,
            sans: x509.sans.map(names),
            ekus: x509.ekus.map(|ekus| ekus.oids),
            key_usage: x509.key_usage.map(|usages| usages.names),
            validity_months: x509.validity_months,
            basic_constraints: Some(BasicConstraints { ca: x509.ca }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `az keyvault certificate get-default-policy` prints.
    const OF_AZ: &str = r#"{
      "issuerParameters": {"certificateTransparency": null, "name": "Self"},
      "keyProperties": {"curve": null, "exportable": true, "keySize": 2048, "keyType": "RSA", "reuseKey": true},
      "lifetimeActions": [{"action": {"actionType": "AutoRenew"}, "trigger": {"daysBeforeExpiry": 90}}],
      "secretProperties": {"contentType": "application/x-pkcs12"},
      "x509CertificateProperties": {
        "keyUsage": ["cRLSign", "digitalSignature"], "subject": "CN=CLIGetDefaultPolicy", "validityInMonths": 12
      }
    }"#;

    /// The same policy in a response of the REST interface.
    const OF_REST: &str = r#"{
      "id": "https://demo.vault.azure.net/certificates/web/policy",
      "key_props": {"exportable": true, "kty": "RSA", "key_size": 2048, "reuse_key": true},
      "secret_props": {"contentType": "application/x-pkcs12"},
      "x509_props": {"subject": "CN=CLIGetDefaultPolicy", "ekus": null, "key_usage": ["cRLSign", "digitalSignature"],
        "validity_months": 12, "basic_constraints": {"ca": false}},
      "lifetime_actions": [{"trigger": {"days_before_expiry": 90}, "action": {"action_type": "AutoRenew"}}],
      "issuer": {"name": "Self"},
      "attributes": {"created": 1, "updated": 2}
    }"#;

    fn parse(text: &str) -> serde_json::Result<pb::CertificatePolicy> {
        serde_json::from_str::<PolicyDocument>(text).map(Into::into)
    }

    #[test]
    fn reads_both_forms_alike() {
        let policy = parse(OF_AZ).unwrap();
        assert_eq!(policy, parse(OF_REST).unwrap());
        let key = policy.key.unwrap();
        assert_eq!((key.kty.as_deref(), key.key_size, key.reuse_key), (Some("RSA"), Some(2048), Some(true)));
        let x509 = policy.x509.unwrap();
        assert_eq!(x509.key_usage.unwrap().names, ["cRLSign", "digitalSignature"]);
        // Absent usages have the default, which differs from none.
        assert!(x509.ekus.is_none());
        assert_eq!(policy.lifetime_actions[0].days_before_expiry, Some(90));
        assert_eq!(policy.issuer.unwrap().name, "Self");
    }

    #[test]
    fn reads_what_it_writes() {
        let names = pb::CertificateAlternativeNames {
            dns_names: vec!["a.example".into()],
            ip_addresses: vec!["192.0.2.1".into()],
            ..Default::default()
        };
        let mut policy = parse(OF_AZ).unwrap();
        policy.x509.as_mut().unwrap().sans = Some(names);
        policy.enabled = Some(false);
        let text = serde_json::to_string(&PolicyDocument::from(policy.clone())).unwrap();
        assert!(text.contains("\"ipAddresses\":[\"192.0.2.1\"]"), "{text}");
        assert_eq!(parse(&text).unwrap(), policy);
    }

    #[test]
    fn rejects_misspelled_members() {
        for text in [
            r#"{"key": {}}"#,
            r#"{"key_props": {"size": 2048}}"#,
            r#"{"x509_props": {"sans": {"dns": []}}}"#,
            r#"{"issuer": {"issuer": "Self"}}"#,
            "7",
            "",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
