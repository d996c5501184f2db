//! The HTTP status of each error, in audit records and on the REST and ARM surfaces.

use crate::model::Error;
use crate::model::resource_kind::ResourceKind;
use crate::model::storage_failure::Outcome;

/// Returns the HTTP status of an error. The match has no wildcard: a new error must be given a status here.
pub const fn http_status(error: &Error) -> u16 {
    match error {
        Error::BackupStorage { .. }
        | Error::BuiltInRole { .. }
        | Error::DecryptionFailed
        | Error::Invalid { .. }
        | Error::LimitExceeded { .. }
        | Error::MalformedBackup { .. }
        | Error::NoContent
        // Recorded of purging in a vault without soft-delete.
        | Error::SoftDeleteDisabled { .. }
        // Recorded: 400, where others would answer 409, and 404.
        | Error::RoleAssignmentMatches { .. }
        // assumption: the code is documented, the status is not.
        | Error::RoleDefinitionAssigned { .. }
        // assumption: nothing is recorded of rotating a key that has no policy.
        | Error::RotationPolicyMissing { .. } => 400,
        Error::Unauthenticated { .. } => 401,
        Error::Forbidden { .. }
        | Error::HsmNotActivated { .. }
        | Error::CertificateMergeForbidden { .. }
        | Error::KeyDisabled { .. }
        | Error::KeyExpired { .. }
        | Error::KeyNotWrappable { .. }
        | Error::KeyNotYetValid { .. }
        | Error::ManagedByCertificate { .. }
        | Error::ModeFamilyMismatch { .. }
        | Error::OperationNotPermitted { .. }
        | Error::PurgeProtected { .. }
        | Error::SecretDisabled { .. }
        | Error::SecurityDomainMissing { .. } => 403,
        Error::NotFound(resource) => match resource.kind {
            // Recorded: 400, where others would answer 404.
            ResourceKind::Setting => 400,
            _ => 404,
        },
        Error::RouteNotFound => 404,
        Error::MethodNotAllowed { .. } => 405,
        Error::Exists { resource, .. } => match resource.kind {
            // Recorded: 400, where others would answer 409.
            ResourceKind::RoleAssignment => 400,
            _ => 409,
        },
        Error::CertificatePending
        | Error::Conflict { .. }
        | Error::BackupJobRunning { .. }
        | Error::RestoreRunning { .. }
        | Error::RoleNameTaken { .. }
        | Error::Deleted { .. }
        | Error::HsmAlreadyActivated { .. }
        | Error::ResourceGroupNotEmpty { .. } => 409,
        Error::ResumeTokenExpired { .. } => 410,
        Error::RequestTooLarge { .. } => 413,
        Error::RequestTooSlow { .. } => 408,
        Error::Throttled { .. } | Error::TokenBusy | Error::ComputationBusy { .. } => 429,
        Error::Internal(_) | Error::KeyMaterialMissing { .. } | Error::TokenFailed { .. } => 500,
        Error::StorageFailed(failure) => match failure.outcome {
            Outcome::NotDone => 503,
            Outcome::Unknown => 500,
        },
        Error::Unsupported { .. } => 501,
        Error::ClockNotTrusted { .. }
        | Error::Overloaded
        | Error::Stopping
        | Error::TokenPoolExhausted { .. }
        | Error::TokenUnavailable { .. } => 503,
        Error::DeadlineExceeded | Error::TokenTimeout { .. } => 504,
    }
}
