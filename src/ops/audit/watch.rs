//! Reads audit records as they are written: each batch is a call.

use crate::model::Result;
use crate::model::arm_rbac::{ControlAction, ControlScope};
use crate::model::audit_entry::Meter;
use crate::ops::resources::AnyScope;
use crate::ops::{AuditFilter, AuditPage, AuditPosition, AuditRange, ControlCx, Done, Operation};

/// The maximum number of records in a batch.
const BATCH: usize = 200;

/// Reads the audit records of a scope after a position, oldest first.
#[derive(Clone, Debug)]
pub struct WatchAuditRecords {
    /// Which records.
    pub filter: AuditFilter,
    /// The position; `None` for the end of the log.
    pub after: Option<AuditPosition>,
}

impl Operation for WatchAuditRecords {
    const NAME: &'static str = "WatchAuditRecords";
    const EVENT: &'static str = AuditFilter::WATCH_EVENT;
    const ACTION: ControlAction = ControlAction::AuditLogRead;
    const METER: Meter = Meter::Free;
    type Target = AnyScope;
    type Reply = AuditPage;

    fn target(&self) -> ControlScope {
        self.filter.scope.clone()
    }

    async fn execute(self, _: AnyScope, cx: &ControlCx) -> Result<Done<AuditPage>> {
        let Self { filter, after } = self;
        let last = cx.store.audit_head();
        let range = AuditRange::Newer { after, most: BATCH };
        cx.audit_reader.search(filter, range, last).await.map(Done::reply)
    }
}
