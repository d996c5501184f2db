//! Lists the live keys of an HSM, each with its current version.

use super::KeyBundle;
use crate::model::Result;
use crate::model::audit_entry::Meter;
use crate::model::container::ContainerId;
use crate::model::local_rbac::DataAction;
use crate::ops::{AllKeys, Cx, Done, Operation, Page, PageRequest};
use crate::store::Listing;

/// Lists live keys, ordered by name (<https://learn.microsoft.com/azure/key-vault/keys/about-keys-details>).
#[derive(Clone, Debug)]
pub struct ListKeys {
    /// The container.
    pub container: ContainerId,
    /// The requested page.
    pub page: PageRequest,
}

impl Operation for ListKeys {
    const NAME: &'static str = "ListKeys";
    const EVENT: &'static str = "KeyList";
    const ACTION: DataAction = DataAction::KeyList;
    const METER: Meter = Meter::Management;
    type Target = AllKeys;
    type Reply = Page<KeyBundle>;

    fn target(&self) -> ContainerId {
        self.container.clone()
    }

    async fn execute(self, _: AllKeys, cx: &Cx) -> Result<Done<Page<KeyBundle>>> {
        let keys =
            cx.store.keys(&self.container, Listing::Live, self.page.after.as_deref(), self.page.size + 1);
        let level = cx.recovery_level();
        let bundles = keys
            .iter()
            .filter_map(|key| {
                let version = key.current()?.clone();
                Some(KeyBundle { version, level, managed: key.managed })
            })
            .collect();
        Ok(Done::reply(Page::cut(bundles, self.page.size, |bundle: &KeyBundle| {
            bundle.version.name.to_case_insensitive()
        })))
    }
}
