//! Reads the records of the audit log that belong to a scope of the control plane.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::audit::Search;
pub use crate::audit::{Found, FoundRecord, Position, SignedStatement};
use crate::model::arm_rbac::ControlScope;
use crate::model::local_rbac::HierarchicalScope as _;
use crate::model::{Error, Field, Result, Timestamp};

/// The number of bytes that one search reads: those of some thousand records.
const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// How many searches run at the same time. Others wait.
const CONCURRENT: usize = 2;

/// Reads the audit log. Cheap to clone.
#[derive(Clone)]
pub struct AuditReader {
    directory: Arc<PathBuf>,
    slots: Arc<Semaphore>,
}

/// Selects audit records.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuditFilter {
    /// Where they belong.
    pub scope: ControlScope,
    /// Their `operationName`; all if empty.
    pub operation: String,
    /// The object id, the application or the user name of the caller; all if empty.
    pub principal: String,
    /// `Success`, `Failure`, or the reason of a failure; all if empty.
    pub result: String,
    /// A part of the target; all if empty.
    pub target: String,
}

/// The records of a page, and where the log continues.
#[derive(Clone, Debug)]
pub struct AuditPage {
    /// What was found.
    pub found: Found,
    /// The last record of the log, and its link.
    pub last: (u64, String),
    /// The last signed head; `None` if the log was never signed, or if the file with it was altered.
    pub head: Option<SignedStatement>,
    /// Whether the file with the last signed head is intact.
    pub is_head_valid: bool,
}

/// The direction and the limits of a search.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AuditRange {
    /// Towards older records, from this position or from the end.
    Older {
        /// Where it begins.
        before: Option<Position>,
        /// Only records at or after this time.
        from: Option<Timestamp>,
        /// Only records before this time.
        to: Option<Timestamp>,
        /// The maximum number of records.
        most: usize,
    },
    /// Towards newer records, after this position; none from the end.
    Newer {
        /// Where it begins.
        after: Option<Position>,
        /// The maximum number of records.
        most: usize,
    },
}

impl AuditReader {
    /// Returns the reader of the log in a directory.
    pub fn new(directory: PathBuf) -> Self {
        Self { directory: Arc::new(directory), slots: Arc::new(Semaphore::new(CONCURRENT)) }
    }

    /// Searches for records up to the last acknowledged one, `last`. Reads a bounded number of bytes, on a blocking thread.
    ///
    /// # Errors
    /// `Invalid` if the position is not one of this log; `Internal` for errors of the file system.
    pub async fn search(
        &self,
        filter: AuditFilter,
        range: AuditRange,
        last: (u64, String),
    ) -> Result<AuditPage> {
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(Error::internal)?;
        let directory = Arc::clone(&self.directory);
        let acknowledged = last.0;
        let token = match &range {
            AuditRange::Older { .. } => Field::PageToken,
            AuditRange::Newer { .. } => Field::ResumeToken,
        };
        let search = move || -> std::io::Result<_> {
            let _slot = slot;
            let found = match range {
                AuditRange::Older { before, from, to, most } => {
                    let search = Search { acknowledged, begin: before, from, to, most, bytes: MAX_BYTES };
                    search.backwards(&directory, |record| filter.selects(record))
                }
                AuditRange::Newer { after, most } => {
                    let (from, to) = (None, None);
                    let search = Search { acknowledged, begin: after, from, to, most, bytes: MAX_BYTES };
                    search.forwards(&directory, |record| !is_watch(record) && filter.selects(record))
                }
            };
            let (head, is_head_valid) = match SignedStatement::read_head(&directory) {
                Err(error) if error.kind() == ErrorKind::InvalidData => (None, false),
                read => (read?, true),
            };
            Ok((found?, head, is_head_valid))
        };
        let searched = tokio::task::spawn_blocking(search).await.map_err(Error::internal)?;
        let (found, head, is_head_valid) = searched.map_err(|error: std::io::Error| match error.kind() {
            ErrorKind::InvalidInput => {
                Error::invalid(token, "this is not a position in the log of this service")
            }
            _ => Error::internal(error),
        })?;
        Ok(AuditPage { found, last, head, is_head_valid })
    }
}

/// Whether a record is one of reading a watch of the log. Watches leave these out: each message would cause the next one.
fn is_watch(record: &FoundRecord) -> bool {
    record.operation == AuditFilter::WATCH_EVENT
}

impl AuditFilter {
    /// The `operationName` of reading the log as it grows.
    pub const WATCH_EVENT: &'static str = "AuditRecordWatch";

    /// Whether a record is selected.
    fn selects(&self, record: &FoundRecord) -> bool {
        let Self { scope, operation, principal, result, target } = self;
        let is = |wanted: &str, found: &str| wanted.eq_ignore_ascii_case(found);
        let caller = &record.caller;
        let outcome = if record.is_success { "Success" } else { "Failure" };
        (operation.is_empty() || is(operation, &record.operation))
            && (result.is_empty() || is(result, outcome) || is(result, &record.result))
            && (principal.is_empty()
                || [&caller.principal, &caller.application, &caller.user]
                    .into_iter()
                    .any(|name| is(principal, name)))
            && (target.is_empty() || record.target.to_lowercase().contains(&target.to_lowercase()))
            && scope_of(record).is_some_and(|of| scope.covers(&of))
    }
}

/// Returns the scope to which a record belongs: that of its container, or the longest one that its target begins with. `None` for
/// records of the service as a whole, such as access tokens and signatures of the log.
fn scope_of(record: &FoundRecord) -> Option<ControlScope> {
    let of_container = || record.resource_id.parse::<ControlScope>().ok();
    let of_target = || {
        let mut target = record.target.as_str();
        loop {
            if let Ok(scope) = target.parse::<ControlScope>() {
                return Some(scope.without_object());
            }
            target = target.rsplit_once('/')?.0;
        }
    };
    of_container().or_else(of_target)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::FoundCaller;

    const SUBSCRIPTION: &str = "/subscriptions/e091ccde-12fe-56c1-a9da-c98193d4bdb5";

    fn record(resource: &str, target: &str) -> FoundRecord {
        let tail = if resource.is_empty() { String::new() } else { format!("{SUBSCRIPTION}{resource}") };
        FoundRecord {
            seq: 1,
            time: Timestamp::UNIX_EPOCH,
            operation: "KeySign".to_owned(),
            is_success: false,
            result: "ACTION_NOT_GRANTED".to_owned(),
            status: 403,
            duration_ms: 1,
            caller: FoundCaller {
                principal: "0b1ec700-0000-4000-9000-000000000001".to_owned(),
                application: "c11e0700-0000-4000-9000-000000000001".to_owned(),
                user: "Ada@contoso.example".to_owned(),
            },
            address: None,
            client_info: String::new(),
            request_uri: String::new(),
            correlation_id: String::new(),
            target: target.to_owned(),
            resource_id: tail.to_uppercase(),
            container: String::new(),
            items: None,
        }
    }

    fn filter(scope: &str) -> AuditFilter {
        AuditFilter {
            scope: format!("{SUBSCRIPTION}{scope}").parse().unwrap(),
            operation: String::new(),
            principal: String::new(),
            result: String::new(),
            target: String::new(),
        }
    }

    #[test]
    fn records_belong_to_the_scope_of_their_container_or_target() {
        let hsm = "/resourceGroups/dev/providers/Microsoft.KeyVault/managedHSMs/local";
        let deleted = "/providers/Microsoft.KeyVault/locations/localhost/deletedManagedHsms/local";
        let control = |tail: &str| record("", &format!("{SUBSCRIPTION}{tail}"));
        let of_hsm = record(hsm, "hsms/local/keys/a");
        let of_group = control("/resourceGroups/dev/roleAssignments");
        for (scope, record, expected) in [
            ("", &of_hsm, true),
            ("/resourceGroups/DEV", &of_hsm, true),
            (hsm, &of_hsm, true),
            ("/resourceGroups/other", &of_hsm, false),
            ("/resourceGroups/dev/providers/Microsoft.KeyVault/vaults/local", &of_hsm, false),
            ("", &of_group, true),
            ("/resourceGroups/dev", &of_group, true),
            (hsm, &of_group, false),
            ("", &control(deleted), true),
            ("/resourceGroups/dev", &control(deleted), false),
            // A record that names a subscription where a caller chooses the text.
            ("", &record("", &format!("hsms{SUBSCRIPTION}")), false),
            ("", &record("", "vaults/unknown/secrets/a"), false),
            ("", &record("", ""), false),
        ] {
            assert_eq!(filter(scope).selects(record), expected, "{scope} {record:?}");
        }
        let foreign = "/subscriptions/e091ccde-12fe-56c1-a9da-c98193d4bdb6".parse().unwrap();
        assert!(!AuditFilter { scope: foreign, ..filter("") }.selects(&of_hsm));
    }

    #[test]
    fn filters_ignore_case_and_select_all_if_empty() {
        let found = record(
            "/resourceGroups/dev/providers/Microsoft.KeyVault/vaults/contoso",
            "vaults/contoso/keys/Invoices",
        );
        let selects = |change: fn(&mut AuditFilter)| {
            let mut filter = filter("");
            change(&mut filter);
            filter.selects(&found)
        };
        assert!(selects(|filter| filter.operation = "keysign".to_owned()));
        assert!(!selects(|filter| filter.operation = "Key".to_owned()));
        assert!(selects(|filter| filter.principal = "ada@contoso.example".to_owned()));
        assert!(selects(|filter| filter.principal = "C11E0700-0000-4000-9000-000000000001".to_owned()));
        assert!(!selects(|filter| filter.principal = "ada".to_owned()));
        assert!(selects(|filter| filter.result = "failure".to_owned()));
        assert!(selects(|filter| filter.result = "action_not_granted".to_owned()));
        assert!(!selects(|filter| filter.result = "Success".to_owned()));
        assert!(selects(|filter| filter.target = "keys/inv".to_owned()));
        assert!(!selects(|filter| filter.target = "secrets/".to_owned()));
    }
}
