//! Lists audit records, newest first.

use crate::model::Result;
use crate::model::arm_rbac::{ControlAction, ControlScope};
use crate::model::audit_entry::Meter;
use crate::ops::resources::AnyScope;
use crate::ops::{AuditFilter, AuditPage, AuditRange, ControlCx, Done, Operation};

/// Lists the audit records of a scope, newest first.
#[derive(Clone, Debug)]
pub struct ListAuditRecords {
    /// Which records.
    pub filter: AuditFilter,
    /// Where the page begins, and how large it is.
    pub range: AuditRange,
}

impl Operation for ListAuditRecords {
    const NAME: &'static str = "ListAuditRecords";
    const EVENT: &'static str = "AuditRecordList";
    const ACTION: ControlAction = ControlAction::AuditLogRead;
    const METER: Meter = Meter::Free;
    type Target = AnyScope;
    type Reply = AuditPage;

    fn target(&self) -> ControlScope {
        self.filter.scope.clone()
    }

    async fn execute(self, _: AnyScope, cx: &ControlCx) -> Result<Done<AuditPage>> {
        let last = cx.store.audit_head();
        cx.audit_reader.search(self.filter, self.range, last).await.map(Done::reply)
    }
}
