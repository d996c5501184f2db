//! Maps the domain's errors to gRPC: a status code, and a `google.rpc.ErrorInfo` with a stable reason.

use prost::Message as _;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::model::Error;
use crate::model::container::ContainerKind;
use crate::model::resource_kind::ResourceKind;
use crate::model::storage_failure::Outcome;

/// The `domain` of every `ErrorInfo`.
const DOMAIN: &str = "strongroom";

/// Returns the status of an error. There is no wildcard arm: a new error must be assigned a code here.
pub(super) fn status(error: &Error) -> Status {
    let mut details = ErrorDetails::new();
    let mut facts: Vec<(&str, String)> = Vec::new();
    let mut message = error.to_string();
    let code = match error {
        Error::ComputationBusy { .. } | Error::Overloaded | Error::Throttled { .. } | Error::TokenBusy => {
            Code::ResourceExhausted
        }
        Error::BuiltInRole { id } => {
            facts.push(("role_definition", id.to_string()));
            Code::FailedPrecondition
        }
        Error::ClockNotTrusted { standing } => {
            facts.push(("standing", (*standing).to_owned()));
            Code::FailedPrecondition
        }
        Error::CertificateMergeForbidden { issuer } => {
            facts.push(("issuer", issuer.to_string()));
            Code::FailedPrecondition
        }
        Error::CertificatePending => Code::FailedPrecondition,
        Error::Conflict { .. } => Code::Aborted,
        Error::BackupStorage { .. }
        | Error::DecryptionFailed
        | Error::MalformedBackup { .. }
        | Error::NoContent => Code::InvalidArgument,
        Error::Deleted { resource, scheduled_purge_at } => match resource.kind {
            ResourceKind::Key => {
                facts.push(("key", resource.id().to_owned()));
                Code::AlreadyExists
            }
            ResourceKind::Certificate => {
                facts.push(("certificate", resource.id().to_owned()));
                Code::AlreadyExists
            }
            ResourceKind::Secret => {
                facts.push(("secret", resource.id().to_owned()));
                Code::AlreadyExists
            }
            _ => {
                facts.push(("resource", resource.name.clone()));
                facts.push(("scheduled_purge_at", scheduled_purge_at.to_string()));
                Code::FailedPrecondition
            }
        },
        Error::Exists { resource, deleted } => {
            match resource.kind {
                ResourceKind::ManagedHsm => {
                    facts.push(("hsm", resource.id().to_owned()));
                    facts.push(("deleted", deleted.to_string()));
                }
                ResourceKind::Vault => {
                    facts.push(("vault", resource.id().to_owned()));
                    facts.push(("deleted", deleted.to_string()));
                }
                _ if resource.name.is_empty() => {}
                _ => facts.push(("resource", resource.name.clone())),
            }
            Code::AlreadyExists
        }
        Error::Forbidden { principal, denied, roles } => {
            facts.push(("plane", denied.plane().to_owned()));
            facts.push(("principal", principal.to_string()));
            facts.push(("roles", roles.join(", ")));
            facts.push(("action", denied.action().to_owned()));
            facts.push(("scope", denied.scope()));
            if let Some(permission) = denied.permission() {
                facts.push(("permission", permission));
            }
            Code::PermissionDenied
        }
        Error::BackupJobRunning { hsm }
        | Error::RestoreRunning { hsm }
        | Error::HsmAlreadyActivated { hsm }
        | Error::HsmNotActivated { hsm }
        | Error::SecurityDomainMissing { hsm } => {
            facts.push(("resource", format!("hsms/{hsm}")));
            Code::FailedPrecondition
        }
        Error::Internal(_) => {
            message = "internal error; the server's log has the details under this correlation id".to_owned();
            Code::Internal
        }
        Error::Invalid { field, why } => {
            details.add_bad_request_violation(field.path(), why);
            facts.push(("field", field.path().to_owned()));
            Code::InvalidArgument
        }
        Error::ManagedByCertificate { kind, operation } => {
            facts.push(("kind", kind.to_string()));
            facts.push(("operation", (*operation).to_owned()));
            Code::FailedPrecondition
        }
        Error::KeyDisabled { operation }
        | Error::OperationNotPermitted { operation }
        | Error::SecretDisabled { operation } => {
            facts.push(("operation", (*operation).to_owned()));
            Code::FailedPrecondition
        }
        Error::KeyExpired { operation, expires } => {
            facts.push(("operation", (*operation).to_owned()));
            facts.push(("expires", expires.to_string()));
            Code::FailedPrecondition
        }
        Error::KeyMaterialMissing { version } => {
            facts.push(("version", version.to_string()));
            Code::DataLoss
        }
        Error::KeyNotWrappable { version } => {
            facts.push(("version", version.to_string()));
            Code::FailedPrecondition
        }
        Error::KeyNotYetValid { operation, not_before } => {
            facts.push(("operation", (*operation).to_owned()));
            facts.push(("not_before", not_before.to_string()));
            Code::FailedPrecondition
        }
        Error::LimitExceeded { what, limit } => {
            facts.push(("what", (*what).to_owned()));
            facts.push(("limit", limit.to_string()));
            Code::ResourceExhausted
        }
        Error::ModeFamilyMismatch { version, bound, asked } => {
            facts.push(("version", version.to_string()));
            facts.push(("bound", bound.to_string()));
            facts.push(("asked", asked.to_string()));
            Code::FailedPrecondition
        }
        Error::NotFound(resource) => {
            match resource.kind {
                ResourceKind::DeletedManagedHsm => facts.push(("hsm", resource.id().to_owned())),
                _ if resource.name.is_empty() => {}
                _ => facts.push(("resource", resource.name.clone())),
            }
            Code::NotFound
        }
        Error::RequestTooLarge { limit } => {
            facts.push(("limit", limit.to_string()));
            Code::ResourceExhausted
        }
        Error::RequestTooSlow { seconds } => {
            facts.push(("seconds", seconds.to_string()));
            Code::DeadlineExceeded
        }
        Error::PurgeProtected { level, scheduled_purge_at } => {
            facts.push(("recovery_level", level.to_string()));
            facts.push(("scheduled_purge_at", scheduled_purge_at.to_string()));
            Code::FailedPrecondition
        }
        Error::ResourceGroupNotEmpty { group, container } => {
            facts.push(("resource_group", group.to_string()));
            let kind = match container.kind() {
                ContainerKind::ManagedHsm => "hsm",
                ContainerKind::Vault => "vault",
            };
            facts.push((kind, container.name().to_owned()));
            Code::FailedPrecondition
        }
        // The code that etcd returns for a compacted revision.
        Error::ResumeTokenExpired { after, oldest } => {
            facts.push(("after", after.to_string()));
            facts.push(("oldest", oldest.to_string()));
            Code::OutOfRange
        }
        Error::RoleAssignmentMatches { existing, .. } => {
            facts.push(("role_assignment", existing.to_string()));
            Code::AlreadyExists
        }
        Error::RoleDefinitionAssigned { id } => {
            facts.push(("role_definition", id.to_string()));
            Code::FailedPrecondition
        }
        Error::RoleNameTaken { name } => {
            facts.push(("role_name", name.clone()));
            Code::AlreadyExists
        }
        Error::RotationPolicyMissing { name } => {
            facts.push(("key", name.to_string()));
            Code::FailedPrecondition
        }
        Error::SoftDeleteDisabled { operation } => {
            facts.push(("operation", (*operation).to_owned()));
            Code::FailedPrecondition
        }
        Error::Stopping => Code::Unavailable,
        Error::StorageFailed(failure) => match failure.outcome {
            Outcome::NotDone => Code::Unavailable,
            // Clients repeat calls that were unavailable.
            Outcome::Unknown => Code::Internal,
        },
        Error::TokenFailed { function, code } => {
            facts.push(("function", (*function).to_owned()));
            facts.push(("ckr", code.clone()));
            Code::Internal
        }
        Error::TokenPoolExhausted { tokens } => {
            facts.push(("tokens", tokens.to_string()));
            Code::ResourceExhausted
        }
        Error::DeadlineExceeded | Error::TokenTimeout { .. } => Code::DeadlineExceeded,
        Error::TokenUnavailable { .. } => Code::Unavailable,
        Error::Unauthenticated { .. } => Code::Unauthenticated,
        Error::MethodNotAllowed { .. } | Error::RouteNotFound | Error::Unsupported { .. } => {
            Code::Unimplemented
        }
    };
    let facts: std::collections::HashMap<String, String> =
        facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    details.set_error_info(error.reason(), DOMAIN, facts);
    if let Some(delay) = error.retry_after() {
        details.set_retry_info(Some(delay));
    }
    Status::with_error_details(code, message, details)
}

/// Returns the status of an error as a message, for one that is part of a response.
pub(super) fn message(error: &Error) -> tonic_types::pb::Status {
    let status = status(error);
    // The details are this message, encoded.
    tonic_types::pb::Status::decode(status.details()).unwrap_or_else(|_| tonic_types::pb::Status {
        code: status.code().into(),
        message: status.message().to_owned(),
        details: Vec::new(),
    })
}

#[cfg(test)]
mod tests;
