//! Lists the versions of a key, oldest first.

use super::KeyBundle;
use crate::model::audit_entry::Meter;
use crate::model::container::ContainerId;
use crate::model::local_rbac::{DataAction, LocalScope};
use crate::model::{Error, Result};
use crate::ops::{Cx, DataPlane, Done, KeyPath, NewVersionName, Operation, Page, PageRequest, Target};
use crate::store::Store;

/// Lists the versions of a key (<https://learn.microsoft.com/azure/key-vault/keys/about-keys-details>). The list of a
/// deleted or unknown key is empty (recorded).
#[derive(Clone, Debug)]
pub struct ListKeyVersions {
    /// The key.
    pub key: KeyPath,
    /// The requested page; the page token is the number of versions before it.
    pub page: PageRequest,
}

impl Operation for ListKeyVersions {
    const NAME: &'static str = "ListKeyVersions";
    const EVENT: &'static str = "KeyListVersions";
    const ACTION: DataAction = DataAction::KeyList;
    const METER: Meter = Meter::Management;
    type Target = KeyVersionList;
    type Reply = Page<KeyBundle>;

    fn target(&self) -> KeyPath {
        self.key.clone()
    }

    async fn execute(self, target: KeyVersionList, cx: &Cx) -> Result<Done<Page<KeyBundle>>> {
        let level = cx.recovery_level();
        let bundles = target.0.0.iter().flat_map(|key| {
            let managed = key.managed;
            key.versions.iter().map(move |version| KeyBundle { version: version.clone(), level, managed })
        });
        Ok(Done::reply(Page::of_versions(bundles, &self.page)?))
    }
}

/// The versions of a key name; none if there is no live key.
#[derive(Debug)]
pub struct KeyVersionList(NewVersionName);

impl Target for KeyVersionList {
    type Plane = DataPlane;
    type Id = KeyPath;

    fn container(id: &KeyPath) -> ContainerId {
        NewVersionName::container(id)
    }

    fn scope(id: &KeyPath, store: &Store) -> LocalScope {
        NewVersionName::scope(id, store)
    }

    fn object(id: &KeyPath) -> Option<String> {
        Some(id.name.to_case_insensitive())
    }

    fn describe(id: &KeyPath) -> String {
        format!("{}/versions", NewVersionName::describe(id))
    }

    fn lock(id: &KeyPath) -> String {
        NewVersionName::lock(id)
    }

    fn load(id: &KeyPath, store: &Store) -> Result<Self> {
        match NewVersionName::load(id, store) {
            Err(Error::Deleted { .. }) => Ok(Self(NewVersionName(None))),
            name => name.map(Self),
        }
    }
}
