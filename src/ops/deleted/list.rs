//! Lists the deleted keys of an HSM.

use super::DeletedKeyBundle;
use crate::model::Result;
use crate::model::audit_entry::Meter;
use crate::model::local_rbac::DataAction;
use crate::model::name::HsmName;
use crate::ops::{AllKeys, Cx, Done, Operation, Page, PageRequest};
use crate::store::Listing;

/// Lists deleted keys, ordered by name
/// (<https://learn.microsoft.com/azure/key-vault/managed-hsm/soft-delete-overview>).
#[derive(Clone, Debug)]
pub struct ListDeletedKeys {
    /// The HSM.
    pub hsm: HsmName,
    /// The requested page.
    pub page: PageRequest,
}

impl Operation for ListDeletedKeys {
    const NAME: &'static str = "ListDeletedKeys";
    const EVENT: &'static str = "KeyListDeleted";
    const ACTION: DataAction = DataAction::DeletedKeyRead;
    const METER: Meter = Meter::Management;
    type Target = AllKeys;
    type Reply = Page<DeletedKeyBundle>;

    fn target(&self) -> HsmName {
        self.hsm.clone()
    }

    async fn execute(self, _: AllKeys, cx: &Cx) -> Result<Done<Page<DeletedKeyBundle>>> {
        let keys =
            cx.store.keys(&cx.hsm.name, Listing::Deleted, self.page.after.as_deref(), self.page.size + 1);
        let level = cx.recovery_level();
        let bundles = keys.iter().map(|key| DeletedKeyBundle::of(key, level)).collect::<Result<Vec<_>>>()?;
        let token = |bundle: &DeletedKeyBundle| bundle.current.version.name.to_case_insensitive();
        Ok(Done::reply(Page::cut(bundles, self.page.size, token)))
    }
}
