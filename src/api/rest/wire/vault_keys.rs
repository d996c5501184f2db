//! Responses with keys of vaults. The requests are those of managed HSMs; members are in the order in which vaults send them.

use serde::Serialize;

use super::super::super::azure::body::base64url;
use super::super::endpoint::Endpoint;
use super::keys::kid;
use super::vault_list::{VaultList, list};
use super::vault_object::{Attributes, DeletionDates};
use crate::model::key::{KeyVersion, PublicMaterial, Tags};
use crate::model::rotation::RotationTrigger;
use crate::ops::Page;
use crate::ops::crypto::{CryptoResult, Encrypted, PlaintextResult, Verified};
use crate::ops::keys::{DeletedKeyBundle, KeyBundle, KeyRotationPolicy};

/// A key version, or a deleted key by its current version.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Bundle {
    #[serde(flatten)]
    deletion: Option<DeletionDates>,
    key: Jwk,
    attributes: Attributes,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Tags>,
    /// Whether it is the companion of a certificate.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    managed: bool,
}

/// A key or a version in a list.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Item {
    #[serde(flatten)]
    deletion: Option<DeletionDates>,
    kid: String,
    attributes: Attributes,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Tags>,
    /// Whether it is the companion of a certificate.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    managed: bool,
}

#[derive(Serialize)]
struct Jwk {
    kid: String,
    kty: &'static str,
    key_ops: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    e: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    crv: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<String>,
}

fn jwk(endpoint: &Endpoint, version: &KeyVersion) -> Jwk {
    let common = Jwk {
        kid: kid(endpoint, version),
        kty: version.kty(),
        key_ops: version.operations.iter().map(|operation| operation.as_str()).collect(),
        n: None,
        e: None,
        crv: None,
        x: None,
        y: None,
    };
    match &version.material {
        PublicMaterial::Rsa { n, e } => Jwk { n: Some(base64url(n)), e: Some(base64url(e)), ..common },
        PublicMaterial::Ec { crv, x, y } => {
            Jwk { crv: Some(crv.as_str()), x: Some(base64url(x)), y: Some(base64url(y)), ..common }
        }
        PublicMaterial::Oct { .. } => common,
    }
}

fn attributes(endpoint: &Endpoint, KeyBundle { version, level, managed: _ }: &KeyBundle) -> Attributes {
    Attributes::from(&version.attributes).with_level(endpoint, *level).with_protection(version.protection)
}

fn tags(version: &KeyVersion) -> Option<Tags> {
    (!version.tags.is_empty()).then(|| version.tags.clone())
}

pub(in super::super) fn bundle(endpoint: &Endpoint, bundle: KeyBundle) -> Bundle {
    let version = &bundle.version;
    Bundle {
        deletion: None,
        key: jwk(endpoint, version),
        attributes: attributes(endpoint, &bundle),
        tags: tags(version),
        managed: bundle.managed,
    }
}

fn deletion(endpoint: &Endpoint, deleted: &DeletedKeyBundle) -> Option<DeletionDates> {
    let name = &deleted.current.version.name;
    DeletionDates::of(endpoint, "deletedkeys", name, deleted.deletion)
}

pub(in super::super) fn deleted_bundle(endpoint: &Endpoint, deleted: DeletedKeyBundle) -> Bundle {
    Bundle { deletion: deletion(endpoint, &deleted), ..bundle(endpoint, deleted.current) }
}

fn item(endpoint: &Endpoint, bundle: &KeyBundle, kid: String) -> Item {
    Item {
        deletion: None,
        kid,
        attributes: attributes(endpoint, bundle),
        tags: tags(&bundle.version),
        managed: bundle.managed,
    }
}

fn key_url(endpoint: &Endpoint, version: &KeyVersion) -> String {
    format!("{}/keys/{}", endpoint.base, version.name)
}

/// Returns a list of keys, whose ids have no version.
pub(in super::super) fn listed(endpoint: &Endpoint, page: Page<KeyBundle>) -> VaultList<Item> {
    list(endpoint, "keys", &page, |bundle| item(endpoint, bundle, key_url(endpoint, &bundle.version)))
}

/// Returns a list of the versions of one key.
pub(in super::super) fn listed_versions(endpoint: &Endpoint, page: Page<KeyBundle>) -> VaultList<Item> {
    let key = page.items.first().map_or("", |bundle| bundle.version.name.as_str());
    list(endpoint, &format!("keys/{key}/versions"), &page, |bundle| {
        item(endpoint, bundle, kid(endpoint, &bundle.version))
    })
}

/// Returns a list of deleted keys, whose ids have no version.
pub(in super::super) fn listed_deleted(endpoint: &Endpoint, page: Page<DeletedKeyBundle>) -> VaultList<Item> {
    list(endpoint, "deletedkeys", &page, |deleted| {
        let bundle = &deleted.current;
        let item = item(endpoint, bundle, key_url(endpoint, &bundle.version));
        Item { deletion: deletion(endpoint, deleted), ..item }
    })
}

/// The result of a cryptographic operation. Vaults do not repeat the algorithm.
#[derive(Serialize)]
pub(in super::super) struct OperationResult<T> {
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    value: T,
}

fn result<T>(endpoint: &Endpoint, version: &KeyVersion, value: T) -> OperationResult<T> {
    OperationResult { kid: Some(kid(endpoint, version)), value }
}

pub(in super::super) fn outcome(endpoint: &Endpoint, outcome: CryptoResult) -> OperationResult<String> {
    result(endpoint, &outcome.version, base64url(&outcome.value))
}

pub(in super::super) fn revealed(endpoint: &Endpoint, revealed: PlaintextResult) -> OperationResult<String> {
    result(endpoint, &revealed.version, base64url(&revealed.value))
}

pub(in super::super) fn encrypted(endpoint: &Endpoint, encrypted: Encrypted) -> OperationResult<String> {
    result(endpoint, &encrypted.version, base64url(&encrypted.value.ciphertext))
}

/// Source: `KeyVerifyResult` of the Key Vault REST specification, which has no `kid`.
pub(in super::super) fn verified(_: &Endpoint, verified: Verified) -> OperationResult<bool> {
    OperationResult { kid: None, value: verified.value }
}

/// A rotation policy. Its id is a URL.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Policy {
    id: String,
    lifetime_actions: Vec<LifetimeAction>,
    attributes: PolicyAttributes,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct PolicyAttributes {
    #[serde(skip_serializing_if = "Option::is_none")]
    expiry_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated: Option<i64>,
}

#[derive(Serialize)]
struct LifetimeAction {
    trigger: Trigger,
    action: ActionType,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Trigger {
    TimeAfterCreate(String),
    TimeBeforeExpiry(String),
}

#[derive(Serialize)]
struct ActionType {
    r#type: &'static str,
}

/// Returns the policy of a key. Every policy notifies 30 days before expiry, also that of a key that has none.
pub(in super::super) fn policy(endpoint: &Endpoint, reply: KeyRotationPolicy) -> Policy {
    let rules = reply.policy.as_ref().map(|policy| &policy.rules);
    let trigger = rules.and_then(|rules| rules.trigger()).map(|trigger| match trigger {
        RotationTrigger::AfterCreation(after) => Trigger::TimeAfterCreate(after.as_str().to_owned()),
        RotationTrigger::BeforeExpiry(before) => Trigger::TimeBeforeExpiry(before.as_str().to_owned()),
    });
    let rotate = trigger.map(|trigger| LifetimeAction { trigger, action: ActionType { r#type: "Rotate" } });
    let notify = LifetimeAction {
        trigger: Trigger::TimeBeforeExpiry("P30D".to_owned()),
        action: ActionType { r#type: "Notify" },
    };
    let attributes = reply.policy.as_ref().map(|policy| PolicyAttributes {
        expiry_time: policy.rules.expiry_time().map(|expiry| expiry.as_str().to_owned()),
        created: Some(policy.created.as_second()),
        updated: Some(policy.updated.as_second()),
    });
    Policy {
        id: format!("{}/keys/{}/rotationpolicy", endpoint.base, reply.key.name),
        lifetime_actions: rotate.into_iter().chain([notify]).collect(),
        attributes: attributes.unwrap_or_default(),
    }
}
