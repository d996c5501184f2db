//! Converts the messages of `audit.proto`.

use std::time::Duration;

use super::super::pb;
use super::authorization;
use super::{instant, wire_instant};
use crate::model::arm_rbac::ControlScope;
use crate::model::{Error, Field, Result};
use crate::ops::audit::{ListAuditRecords, WatchAuditRecords};
use crate::ops::{
    AuditFilter, AuditPage, AuditPosition, AuditRange, FoundRecord, PageRequest, SignedStatement,
};

/// Parses the scope of records: a subscription, a resource group, a managed HSM or a vault.
fn scope(parent: &str) -> Result<ControlScope> {
    match authorization::scope(Field::Parent, parent)? {
        ControlScope::VaultObject(..) => {
            Err(Error::invalid(Field::Parent, "audit records belong to vaults, not to what is in them"))
        }
        scope => Ok(scope),
    }
}

/// Parses the position in a token; `None` if it is empty.
fn position(field: Field, token: &str) -> Result<Option<AuditPosition>> {
    let wrong = |_| Error::invalid(field, "this is not a position in the log of this service");
    if token.is_empty() { Ok(None) } else { token.parse().map(Some).map_err(wrong) }
}

impl TryFrom<pb::ListAuditRecordsRequest> for ListAuditRecords {
    type Error = Error;

    fn try_from(request: pb::ListAuditRecordsRequest) -> Result<Self> {
        let pb::ListAuditRecordsRequest { parent, operation, principal, result, target, .. } = request;
        let filter = AuditFilter { scope: scope(&parent)?, operation, principal, result, target };
        let page = PageRequest::parse(request.page_size, "", 100, 1000)?;
        let range = AuditRange::Older {
            before: position(Field::PageToken, &request.page_token)?,
            from: request.from.map(|from| instant(Field::From, from)).transpose()?,
            to: request.to.map(|to| instant(Field::To, to)).transpose()?,
            most: page.size,
        };
        Ok(Self { filter, range })
    }
}

impl TryFrom<pb::WatchAuditRecordsRequest> for WatchAuditRecords {
    type Error = Error;

    fn try_from(request: pb::WatchAuditRecordsRequest) -> Result<Self> {
        let pb::WatchAuditRecordsRequest { parent, operation, principal, result, target, .. } = request;
        let filter = AuditFilter { scope: scope(&parent)?, operation, principal, result, target };
        Ok(Self { filter, after: position(Field::ResumeToken, &request.resume_token)? })
    }
}

impl From<FoundRecord> for pb::AuditRecord {
    fn from(record: FoundRecord) -> Self {
        let (items, failed_items) = record.items.unzip();
        Self {
            sequence_number: record.seq,
            time: Some(wire_instant(record.time)),
            operation: record.operation,
            success: record.is_success,
            result: record.result,
            http_status: record.status.into(),
            duration: prost_types::Duration::try_from(Duration::from_millis(record.duration_ms)).ok(),
            principal_id: record.caller.principal,
            application: record.caller.application,
            user: record.caller.user,
            address: record.address.map(|address| address.to_string()).unwrap_or_default(),
            client: record.client_info,
            request: record.request_uri,
            correlation_id: record.correlation_id,
            target: record.target,
            container: record.container,
            resource_id: record.resource_id,
            items,
            failed_items,
        }
    }
}

impl From<&AuditPage> for pb::AuditLogState {
    fn from(page: &AuditPage) -> Self {
        let (last, chain) = page.last.clone();
        Self {
            last,
            chain,
            signed_head: page.head.clone().map(Into::into),
            signed_head_altered: !page.is_head_valid,
            checked_links: page.found.checked_links,
            broken_at: page.found.broken_at,
        }
    }
}

impl From<SignedStatement> for pb::SignedHead {
    fn from(head: SignedStatement) -> Self {
        let SignedStatement { seq, chain, time, kid, .. } = head;
        Self { last: seq, chain, time, key_id: kid }
    }
}

impl From<AuditPage> for pb::ListAuditRecordsResponse {
    fn from(page: AuditPage) -> Self {
        Self {
            log: Some((&page).into()),
            next_page_token: page.found.next.map(|next| next.to_string()).unwrap_or_default(),
            searched_to: page.found.searched_to.map(wire_instant),
            records: page.found.records.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<AuditPage> for pb::WatchAuditRecordsResponse {
    fn from(page: AuditPage) -> Self {
        Self {
            log: Some((&page).into()),
            resume_token: page.found.next.map(|next| next.to_string()).unwrap_or_default(),
            records: page.found.records.into_iter().map(Into::into).collect(),
        }
    }
}
