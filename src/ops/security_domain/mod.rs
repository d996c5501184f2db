//! The security domain of a managed HSM: the keys that protect its backups, their download and upload.
//!
//! Azure: <https://learn.microsoft.com/azure/key-vault/managed-hsm/security-domain>

mod download;
mod keys;
mod secrets;
mod status;
mod transfer_key;
mod upload;

pub use download::DownloadSecurityDomain;
pub use keys::{DomainKeys, install, is_supported};
pub use secrets::DomainSecrets;
pub use status::{GetSecurityDomainDownload, GetSecurityDomainUpload, SecurityDomainStatus};
pub use transfer_key::GetTransferKey;
pub use upload::UploadSecurityDomain;

use super::Cx;
use crate::model::change::IntentVerb;
use crate::model::security_domain::SecurityDomain;
use crate::model::{Error, Field, Result};

/// Generates a security domain for the addressed HSM; `None` if its token does not support one.
pub(super) async fn generate(cx: &Cx) -> Result<Option<SecurityDomain>> {
    if !is_supported(cx.token()?) {
        return Ok(None);
    }
    let objects = [cx.ids.version(), cx.ids.version()];
    cx.declare_intent(IntentVerb::Create, objects.to_vec()).await?;
    let secrets = DomainSecrets::generate(cx.token()?).await?;
    install(&secrets, cx.token()?, cx.managed_hsm()?.id, objects).await.map(Some)
}

/// The error for a document that a caller has sent.
pub(crate) fn invalid(error: crate::security_domain::Error) -> Error {
    use crate::security_domain::{Document, Error as Cause};
    let field = match &error {
        Cause::Library => return Error::internal(error),
        Cause::TooLarge(Document::Upload)
        | Cause::Json { document: Document::Upload, .. }
        | Cause::Invalid { document: Document::Upload, .. }
        | Cause::WrappedKeyNotDecrypted
        | Cause::DataNotDecrypted(_) => Field::RestoreBlob,
        Cause::Invalid { document: Document::DownloadRequest, problem } if problem.contains("quorum") => {
            Field::Quorum
        }
        _ => Field::Certificates,
    };
    Error::invalid(field, error.to_string())
}

/// The error for an HSM whose token does not support a security domain.
fn unsupported() -> Error {
    Error::Unsupported {
        what: "the token of this HSM does not wrap keys, so that it has no security domain".to_owned(),
    }
}
