//! The records of the audit log, for principals who may read the logs of a scope.
//!
//! Azure: readers of a resource may read its table in Log Analytics, in the access mode "resource context",
//! <https://learn.microsoft.com/azure/azure-monitor/logs/manage-access>

mod list;
mod watch;

pub use list::ListAuditRecords;
pub use watch::WatchAuditRecords;
