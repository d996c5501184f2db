//! Waits for audit records, for watches of the log.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::Engine;
use crate::model::Result;
use crate::ops::{AuditFilter, AuditPosition, AuditRange};

/// How often a watch looks whether the log has grown.
const PERIOD: Duration = Duration::from_millis(500);

impl Engine {
    /// Waits for an audit record after `position` that the filter selects. Returns the position from which to read the log: records
    /// that do not match are skipped here, without a call.
    ///
    /// # Errors
    /// Those of reading the files of the log.
    pub async fn wait_for_audit_record(
        &self,
        filter: &AuditFilter,
        mut position: Option<AuditPosition>,
    ) -> Result<Option<AuditPosition>> {
        let mut pace = interval(PERIOD);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut searched_to = None;
        loop {
            pace.tick().await;
            let last = self.0.store.audit_head();
            if searched_to == Some(last.0) {
                continue;
            }
            let number = last.0;
            let range = AuditRange::Newer { after: position.clone(), most: 1 };
            let found = self.0.audit_reader.search(filter.clone(), range, last).await?.found;
            if !found.records.is_empty() {
                return Ok(position);
            }
            position = found.next;
            searched_to = found.is_complete.then_some(number);
        }
    }
}
