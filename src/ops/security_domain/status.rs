//! The status of downloads and uploads. Both are complete when they are answered.

use crate::model::Result;
use crate::model::audit_entry::Meter;
use crate::model::hsm::Activation;
use crate::model::local_rbac::DataAction;
use crate::model::name::HsmName;
use crate::ops::hsms::{HsmInAnyState, current_hsm};
use crate::ops::{Cx, Done, Operation};

/// The status of a download or an upload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SecurityDomainStatus {
    /// The HSM is not activated: nothing was downloaded or uploaded yet.
    InProgress,
    /// The HSM is activated.
    Success,
}

impl SecurityDomainStatus {
    /// The name, as recorded from Azure.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "InProgress",
            Self::Success => "Success",
        }
    }

    /// A sentence, as recorded from Azure.
    pub const fn details(self) -> &'static str {
        match self {
            Self::InProgress => "The Security Domain is being confirmed.",
            Self::Success => "The resource is active.",
        }
    }

    fn of(cx: &Cx) -> Result<Self> {
        Ok(match current_hsm(cx)?.activation {
            Activation::Active => Self::Success,
            Activation::NotActivated => Self::InProgress,
        })
    }
}

/// Returns the status of the download.
#[derive(Clone, Debug)]
pub struct GetSecurityDomainDownload {
    /// The HSM.
    pub hsm: HsmName,
}

/// Returns the status of the upload.
#[derive(Clone, Debug)]
pub struct GetSecurityDomainUpload {
    /// The HSM.
    pub hsm: HsmName,
}

impl Operation for GetSecurityDomainDownload {
    const NAME: &'static str = "GetSecurityDomainDownload";
    const EVENT: &'static str = "SecurityDomainDownloadStatusGet";
    const ACTION: DataAction = DataAction::SecurityDomainDownloadRead;
    const METER: Meter = Meter::Management;
    const REQUIRES_ACTIVATION: bool = false;
    type Target = HsmInAnyState;
    type Reply = SecurityDomainStatus;

    fn target(&self) -> HsmName {
        self.hsm.clone()
    }

    async fn execute(self, _: HsmInAnyState, cx: &Cx) -> Result<Done<SecurityDomainStatus>> {
        SecurityDomainStatus::of(cx).map(Done::reply)
    }
}

impl Operation for GetSecurityDomainUpload {
    const NAME: &'static str = "GetSecurityDomainUpload";
    const EVENT: &'static str = "SecurityDomainUploadStatusGet";
    const ACTION: DataAction = DataAction::SecurityDomainUploadRead;
    const METER: Meter = Meter::Management;
    const REQUIRES_ACTIVATION: bool = false;
    type Target = HsmInAnyState;
    type Reply = SecurityDomainStatus;

    fn target(&self) -> HsmName {
        self.hsm.clone()
    }

    async fn execute(self, _: HsmInAnyState, cx: &Cx) -> Result<Done<SecurityDomainStatus>> {
        SecurityDomainStatus::of(cx).map(Done::reply)
    }
}
