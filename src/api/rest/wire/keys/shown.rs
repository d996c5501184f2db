//! How keys, deleted keys and lists of them are shown.

use serde::Serialize;

use super::super::super::super::azure::body::base64url;
use super::super::super::site::Site;
use crate::model::key::{KeyVersion, PublicMaterial, Tags};
use crate::ops::Page;
use crate::ops::deleted::DeletedKeyBundle;
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

/// A page of a list. There is no `nextLink` on the last one.
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

/// Times are whole seconds since 1970.
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

/// The URL of a key with all its versions.
fn key_url(site: &Site, version: &KeyVersion) -> String {
    format!("{}/keys/{}", site.base, version.name)
}

/// The URL of a key version.
pub(in super::super::super) fn kid(site: &Site, version: &KeyVersion) -> String {
    format!("{}/{}", key_url(site, version), version.version)
}

fn recovery_id(site: &Site, version: &KeyVersion) -> String {
    format!("{}/deletedkeys/{}", site.base, version.name)
}

fn attributes(KeyBundle { version, level }: &KeyBundle) -> Attributes {
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

fn jwk(site: &Site, version: &KeyVersion) -> Jwk {
    let bare = Jwk {
        crv: None,
        e: None,
        key_ops: version.operations.iter().map(|operation| operation.as_str()).collect(),
        kid: kid(site, version),
        kty: version.material.key_type().kty(),
        n: None,
        x: None,
        y: None,
    };
    match &version.material {
        PublicMaterial::Rsa { n, e } => Jwk { n: Some(base64url(n)), e: Some(base64url(e)), ..bare },
        PublicMaterial::Ec { crv, x, y } => {
            Jwk { crv: Some(crv.as_str()), x: Some(base64url(x)), y: Some(base64url(y)), ..bare }
        }
        PublicMaterial::Oct { .. } => bare,
    }
}

fn tags(version: &KeyVersion) -> Option<Tags> {
    (!version.tags.is_empty()).then(|| version.tags.clone())
}

pub(in super::super::super) fn bundle(site: &Site, shown: KeyBundle) -> Bundle {
    let version = &shown.version;
    Bundle { attributes: attributes(&shown), key: jwk(site, version), tags: tags(version) }
}

pub(in super::super::super) fn deleted_bundle(site: &Site, shown: DeletedKeyBundle) -> DeletedBundle {
    let version = &shown.current.version;
    DeletedBundle {
        attributes: attributes(&shown.current),
        deleted_date: shown.deletion.deleted_at.as_second(),
        key: jwk(site, version),
        recovery_id: recovery_id(site, version),
        scheduled_purge_date: shown.deletion.scheduled_purge_at.as_second(),
        tags: tags(version),
    }
}

/// A page, and where the next one is: without a version of the interface, which clients add. A page that is not
/// the last is full.
fn list<T, S>(site: &Site, path: &str, page: &Page<T>, show: impl Fn(&T) -> S) -> List<S> {
    let size = page.items.len();
    let next = |token: &String| format!("{}/{path}?maxresults={size}&$skiptoken={token}", site.base);
    List { next_link: page.next.as_ref().map(next), value: page.items.iter().map(show).collect() }
}

/// Keys, named without a version.
pub(in super::super::super) fn listed(site: &Site, page: Page<KeyBundle>) -> List<Item> {
    list(site, "keys", &page, |shown| Item {
        attributes: attributes(shown),
        kid: key_url(site, &shown.version),
        tags: tags(&shown.version),
    })
}

/// Versions of one key, named with it.
pub(in super::super::super) fn listed_versions(site: &Site, page: Page<KeyBundle>) -> List<Item> {
    let key = page.items.first().map_or("", |shown| shown.version.name.as_str());
    list(site, &format!("keys/{key}/versions"), &page, |shown| Item {
        attributes: attributes(shown),
        kid: kid(site, &shown.version),
        tags: tags(&shown.version),
    })
}

/// Deleted keys, named without a version.
pub(in super::super::super) fn listed_deleted(
    site: &Site,
    page: Page<DeletedKeyBundle>,
) -> List<DeletedItem> {
    list(site, "deletedkeys", &page, |shown| {
        let version = &shown.current.version;
        DeletedItem {
            attributes: attributes(&shown.current),
            deleted_date: shown.deletion.deleted_at.as_second(),
            kid: key_url(site, version),
            recovery_id: recovery_id(site, version),
            scheduled_purge_date: shown.deletion.scheduled_purge_at.as_second(),
            tags: tags(version),
        }
    })
}
