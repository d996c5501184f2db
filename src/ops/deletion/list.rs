//! Lists the deleted resources of a container.

use std::sync::Arc;

use super::{SoftDeletable, check_soft_delete};
use crate::model::Result;
use crate::model::audit_entry::Meter;
use crate::ops::clone::clone_by_fields;
use crate::ops::{ActionOf, CxOf, Done, Operation, Page, PageRequest, Target};

/// Lists deleted resources, ordered by name
/// (<https://learn.microsoft.com/azure/key-vault/managed-hsm/soft-delete-overview>).
pub struct ListDeleted<R: SoftDeletable> {
    /// The container.
    pub container: <R::Container as Target>::Id,
    /// The requested page.
    pub page: PageRequest,
}

clone_by_fields!(ListDeleted<R: SoftDeletable> { container, page });

impl<R: SoftDeletable> Operation for ListDeleted<R> {
    const NAME: &'static str = R::OPERATIONS.list_deleted.name;
    const EVENT: &'static str = R::OPERATIONS.list_deleted.event;
    const ACTION: ActionOf<Self> = R::OPERATIONS.list_deleted.action;
    const METER: Meter = R::OPERATIONS.list_deleted.meter;
    type Target = R::Container;
    type Reply = Page<R::DeletedBundle>;

    fn target(&self) -> <R::Container as Target>::Id {
        self.container.clone()
    }

    fn check_context(&self, cx: &CxOf<Self>) -> Result<()> {
        check_soft_delete(cx, "list")
    }

    async fn execute(self, _: R::Container, cx: &CxOf<Self>) -> Result<Done<Page<R::DeletedBundle>>> {
        let found = R::list_deleted(&self.container, &self.page, cx);
        let token = |deleted: &Arc<R>| deleted.reference().to_case_insensitive();
        let Page { items, next } = Page::cut(found, self.page.size, token);
        let bundle = |deleted: &Arc<R>| deleted.deleted_bundle(deleted.recovery_level(cx));
        let items = items.iter().map(bundle).collect::<Result<Vec<_>>>()?;
        Ok(Done::reply(Page { items, next }))
    }
}
