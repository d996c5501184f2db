//! Responses with keys, deleted keys and lists of them.

use serde::Serialize;

use super::super::super::super::azure::body::base64url;
use super::super::super::endpoint::Endpoint;
use crate::model::key::{KeyVersion, PublicMaterial, Tags};
use crate::ops::Page;
use crate::ops::keys::DeletedKeyBundle;
use crate::ops::keys::KeyBundle;

/// A key version: its attributes, and its public half as a JSON Web Key.
#[derive(Serialize)]
pub(in super::super::super) struct Bundle {
    attributes: Attributes,
    key: Jwk,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Tags>,
}

/// A deleted key, by its current version.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super::super) struct DeletedBundle {
    attributes: Attributes,
    deleted_date: i64,
    key: Jwk,
    recovery_id: String,
    scheduled_purge_date: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Tags>,
}

/// A page of a list. The last page has no `nextLink`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super::super) struct List<T> {
    #[serde(skip_serializing_if = "Option::is_none")]
    next_link: Option<String>,
    value: Vec<T>,
}

/// A key or a version in a list.
#[derive(Serialize)]
pub(in super::super::super) struct Item {
    attributes: Attributes,
    kid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Tags>,
}

/// A deleted key in a list.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super::super) struct DeletedItem {
    attributes: Attributes,
    deleted_date: i64,
    kid: String,
    recovery_id: String,
    scheduled_purge_date: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Tags>,
}

/// The attributes of a key version. Times are Unix times in seconds.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Attributes {
    created: i64,
    enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    exportable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    recoverable_days: u32,
    recovery_level: &'static str,
    updated: i64,
}

#[derive(Serialize)]
struct Jwk {
    #[serde(skip_serializing_if = "Option::is_none")]
    crv: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    e: Option<String>,
    key_ops: Vec<&'static str>,
    kid: String,
    kty: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<String>,
}

/// Returns the URL of a key.
fn key_url(endpoint: &Endpoint, version: &KeyVersion) -> String {
    format!("{}/keys/{}", endpoint.base, version.name)
}

/// Returns the URL of a key version.
pub(in super::super::super) fn kid(endpoint: &Endpoint, version: &KeyVersion) -> String {
    format!("{}/{}", key_url(endpoint, version), version.version)
}

fn recovery_id(endpoint: &Endpoint, version: &KeyVersion) -> String {
    format!("{}/deletedkeys/{}", endpoint.base, version.name)
}

fn attributes(KeyBundle { version, level, managed: _ }: &KeyBundle) -> Attributes {
    let attributes = &version.attributes;
    Attributes {
        created: attributes.created.as_second(),
        enabled: attributes.enabled,
        exp: attributes.expires.map(|at| at.as_second()),
        exportable: attributes.exportable,
        nbf: attributes.not_before.map(|at| at.as_second()),
        recoverable_days: level.retention.days(),
        recovery_level: level.as_str(),
        updated: attributes.updated.as_second(),
    }
}

fn jwk(endpoint: &Endpoint, version: &KeyVersion) -> Jwk {
    let common = Jwk {
        crv: None,
        e: None,
        key_ops: version.operations.iter().map(|operation| operation.as_str()).collect(),
        kid: kid(endpoint, version),
        kty: version.kty(),
        n: None,
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

fn tags(version: &KeyVersion) -> Option<Tags> {
    (!version.tags.is_empty()).then(|| version.tags.clone())
}

pub(in super::super::super) fn bundle(endpoint: &Endpoint, bundle: KeyBundle) -> Bundle {
    let version = &bundle.version;
    Bundle { attributes: attributes(&bundle), key: jwk(endpoint, version), tags: tags(version) }
}

pub(in super::super::super) fn deleted_bundle(
    endpoint: &Endpoint,
    bundle: DeletedKeyBundle,
) -> DeletedBundle {
    let version = &bundle.current.version;
    DeletedBundle {
        attributes: attributes(&bundle.current),
        deleted_date: bundle.deletion.deleted_at.as_second(),
        key: jwk(endpoint, version),
        recovery_id: recovery_id(endpoint, version),
        scheduled_purge_date: bundle.deletion.scheduled_purge_at.as_second(),
        tags: tags(version),
    }
}

/// Returns a page with the link to the next one, without `api-version`, which clients add. Every page but the last is
/// full, so its length is the page size.
fn list<T, S>(endpoint: &Endpoint, path: &str, page: &Page<T>, show: impl Fn(&T) -> S) -> List<S> {
    let size = page.items.len();
    let next = |token: &String| format!("{}/{path}?maxresults={size}&$skiptoken={token}", endpoint.base);
    List { next_link: page.next.as_ref().map(next), value: page.items.iter().map(show).collect() }
}

/// Returns a list of keys, whose ids have no version.
pub(in super::super::super) fn listed(endpoint: &Endpoint, page: Page<KeyBundle>) -> List<Item> {
    list(endpoint, "keys", &page, |bundle| Item {
        attributes: attributes(bundle),
        kid: key_url(endpoint, &bundle.version),
        tags: tags(&bundle.version),
    })
}

/// Returns a list of the versions of one key.
pub(in super::super::super) fn listed_versions(endpoint: &Endpoint, page: Page<KeyBundle>) -> List<Item> {
    let key = page.items.first().map_or("", |bundle| bundle.version.name.as_str());
    list(endpoint, &format!("keys/{key}/versions"), &page, |bundle| Item {
        attributes: attributes(bundle),
        kid: kid(endpoint, &bundle.version),
        tags: tags(&bundle.version),
    })
}

/// Returns a list of deleted keys, whose ids have no version.
pub(in super::super::super) fn listed_deleted(
    endpoint: &Endpoint,
    page: Page<DeletedKeyBundle>,
) -> List<DeletedItem> {
    list(endpoint, "deletedkeys", &page, |bundle| {
        let version = &bundle.current.version;
        DeletedItem {
            attributes: attributes(&bundle.current),
            deleted_date: bundle.deletion.deleted_at.as_second(),
            kid: key_url(endpoint, version),
            recovery_id: recovery_id(endpoint, version),
            scheduled_purge_date: bundle.deletion.scheduled_purge_at.as_second(),
            tags: tags(version),
        }
    })
}
