//! Converts the messages of `security_domain.proto`.

use super::super::pb;
use super::{parse_field, segments};
use crate::model::name::HsmName;
use crate::model::{Error, Field, Result};
use crate::ops::security_domain::{
    DownloadSecurityDomain, GetSecurityDomainDownload, GetSecurityDomainUpload, GetTransferKey,
    SecurityDomainStatus, UploadSecurityDomain, invalid,
};
use crate::security_domain::{Certificate, DownloadRequest, TransferKey, Upload};

/// Parses `hsms/{hsm}`.
fn hsm_named(name: &str) -> Result<HsmName> {
    let [hsm] = segments(Field::Name, name, "hsms/{}")?;
    parse_field(Field::Name, hsm)
}

impl TryFrom<pb::DownloadSecurityDomainRequest> for DownloadSecurityDomain {
    type Error = Error;

    fn try_from(request: pb::DownloadSecurityDomainRequest) -> Result<Self> {
        let hsm = hsm_named(&request.name)?;
        let certificates = request.certificates.iter().map(|der| Certificate::from_der(der));
        let certificates = certificates.collect::<std::result::Result<_, _>>().map_err(invalid)?;
        let too_large = |_| Error::invalid(Field::Quorum, "the quorum is at most 10");
        let quorum = usize::try_from(request.quorum).map_err(too_large)?;
        Ok(Self { hsm, request: DownloadRequest::new(certificates, quorum).map_err(invalid)? })
    }
}

impl From<String> for pb::DownloadSecurityDomainResponse {
    fn from(security_domain: String) -> Self {
        Self { security_domain }
    }
}

impl TryFrom<pb::GetSecurityDomainDownloadRequest> for GetSecurityDomainDownload {
    type Error = Error;

    fn try_from(request: pb::GetSecurityDomainDownloadRequest) -> Result<Self> {
        hsm_named(&request.name).map(Self::of)
    }
}

impl TryFrom<pb::GetSecurityDomainUploadRequest> for GetSecurityDomainUpload {
    type Error = Error;

    fn try_from(request: pb::GetSecurityDomainUploadRequest) -> Result<Self> {
        hsm_named(&request.name).map(Self::of)
    }
}

impl From<SecurityDomainStatus> for pb::SecurityDomainOperation {
    fn from(status: SecurityDomainStatus) -> Self {
        Self { status: status.as_str().to_owned(), status_details: status.details().to_owned() }
    }
}

impl TryFrom<pb::GetTransferKeyRequest> for GetTransferKey {
    type Error = Error;

    fn try_from(request: pb::GetTransferKeyRequest) -> Result<Self> {
        Ok(Self { hsm: hsm_named(&request.name)? })
    }
}

impl From<TransferKey> for pb::TransferKey {
    fn from(key: TransferKey) -> Self {
        Self { certificate: key.certificate().der().to_vec() }
    }
}

impl TryFrom<pb::UploadSecurityDomainRequest> for UploadSecurityDomain {
    type Error = Error;

    fn try_from(request: pb::UploadSecurityDomainRequest) -> Result<Self> {
        let hsm = hsm_named(&request.name)?;
        Ok(Self { hsm, upload: Upload::parse(&request.restore_blob).map_err(invalid)? })
    }
}
