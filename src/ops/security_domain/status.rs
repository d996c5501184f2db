//! The status of downloads and uploads. Both are complete when they are answered.

use std::marker::PhantomData;

use crate::model::Result;
use crate::model::audit_entry::Meter;
use crate::model::hsm::Activation;
use crate::model::local_rbac::DataAction;
use crate::model::name::HsmName;
use crate::ops::hsms::{HsmInAnyState, current_hsm};
use crate::ops::{Cx, Done, Operation, OperationNames};

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

/// Returns the status of a transfer of the security domain.
#[derive(Clone, Debug)]
pub struct GetTransferStatus<K> {
    /// The HSM.
    pub hsm: HsmName,
    /// The kind of transfer.
    pub kind: PhantomData<K>,
}

/// A kind of transfer: download or upload.
pub trait TransferKind: Clone + Send + Sync + 'static {
    /// The names of the operation that returns its status.
    const NAMES: OperationNames<DataAction>;
}

/// The kind of [`GetSecurityDomainDownload`].
#[derive(Clone, Copy, Debug)]
pub struct Download;

/// The kind of [`GetSecurityDomainUpload`].
#[derive(Clone, Copy, Debug)]
pub struct Upload;

/// Returns the status of the download.
pub type GetSecurityDomainDownload = GetTransferStatus<Download>;

/// Returns the status of the upload.
pub type GetSecurityDomainUpload = GetTransferStatus<Upload>;

impl TransferKind for Download {
    const NAMES: OperationNames<DataAction> = OperationNames {
        name: "GetSecurityDomainDownload",
        event: "SecurityDomainDownloadStatusGet",
        action: DataAction::SecurityDomainDownloadRead,
        meter: Meter::Management,
    };
}

impl TransferKind for Upload {
    const NAMES: OperationNames<DataAction> = OperationNames {
        name: "GetSecurityDomainUpload",
        event: "SecurityDomainUploadStatusGet",
        action: DataAction::SecurityDomainUploadRead,
        meter: Meter::Management,
    };
}

impl<K: TransferKind> GetTransferStatus<K> {
    /// Returns the operation for an HSM.
    pub const fn of(hsm: HsmName) -> Self {
        Self { hsm, kind: PhantomData }
    }
}

impl<K: TransferKind> Operation for GetTransferStatus<K> {
    const NAME: &'static str = K::NAMES.name;
    const EVENT: &'static str = K::NAMES.event;
    const ACTION: DataAction = K::NAMES.action;
    const METER: Meter = K::NAMES.meter;
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
