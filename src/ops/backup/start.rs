//! Starts backup jobs.

use std::marker::PhantomData;

use secrecy::{ExposeSecret as _, SecretString};

use super::{JobState, storage_error};
use crate::model::audit_entry::Meter;
use crate::model::backup_job::{BackupJob, BackupJobKind};
use crate::model::change::Change;
use crate::model::local_rbac::DataAction;
use crate::model::name::{HsmName, KeyName};
use crate::model::{Error, Field, Result};
use crate::ops::security_domain::DomainKeys;
use crate::ops::{BackupTask, Cx, Done, InHsm, Operation, OperationNames, Progress, QueuedJob, WholeHsm};
use crate::storage::{Address, Credential};

/// Where a backup is or will be.
#[derive(Clone, Debug)]
pub struct StorageRequest {
    /// The URI of the container or directory.
    pub uri: String,
    /// The folder, for restores.
    pub folder: String,
    /// The shared access signature.
    pub token: Option<SecretString>,
    /// Whether the managed identity of the machine is used instead.
    pub managed_identity: bool,
}

/// Starts a job of kind `K`. Replies with the job.
#[derive(Clone, Debug)]
pub struct StartJob<K> {
    /// The HSM.
    pub hsm: HsmName,
    /// The storage.
    pub storage: StorageRequest,
    /// The key, for the restore of one key.
    pub key: Option<KeyName>,
    /// The kind.
    pub kind: PhantomData<K>,
}

/// A kind of job.
pub trait JobKind: Clone + Send + Sync + 'static {
    /// The names of the operation that starts it.
    const NAMES: OperationNames<DataAction>;
    /// The kind in the record of the job.
    const KIND: BackupJobKind;
}

/// Declares the kinds of jobs, and the operations that start them.
macro_rules! kinds {
    ($($(#[$doc:meta])* $operation:ident of $marker:ident: $kind:ident, $event:literal, $action:ident;)+) => {$(
        #[doc = concat!("The kind of [`", stringify!($operation), "`].")]
        #[derive(Clone, Debug)]
        pub struct $marker;

        impl JobKind for $marker {
            const NAMES: OperationNames<DataAction> = OperationNames {
                name: stringify!($operation),
                event: $event,
                action: DataAction::$action,
                meter: Meter::Management,
            };
            const KIND: BackupJobKind = BackupJobKind::$kind;
        }

        $(#[$doc])*
        pub type $operation = StartJob<$marker>;
    )+};
}

kinds! {
    /// Starts a backup of the HSM.
    StartBackup of BackupKind: Backup, "HsmBackup", BackupStart;
    /// Checks whether the HSM can be backed up to a storage.
    StartBackupCheck of BackupCheckKind: BackupCheck, "HsmBackupCheck", BackupStart;
    /// Starts to replace the contents of the HSM by those of a backup.
    StartRestore of RestoreKind: Restore, "HsmRestore", RestoreStart;
    /// Checks whether a backup can be restored.
    StartRestoreCheck of RestoreCheckKind: RestoreCheck, "HsmRestoreCheck", RestoreStart;
    /// Starts to restore one key from the backup of an HSM.
    StartKeyRestore of KeyRestoreKind: KeyRestore, "HsmKeyRestore", RestoreStart;
}

impl<K: JobKind> Operation for StartJob<K> {
    const NAME: &'static str = K::NAMES.name;
    const EVENT: &'static str = K::NAMES.event;
    const ACTION: DataAction = K::NAMES.action;
    const METER: Meter = K::NAMES.meter;
    const CHANGES: bool = true;
    type Target = WholeHsm;
    type Reply = InHsm<JobState>;

    fn target(&self) -> HsmName {
        self.hsm.clone()
    }

    async fn execute(self, _: WholeHsm, cx: &Cx) -> Result<Done<InHsm<JobState>>> {
        let StorageRequest { uri, folder, token, managed_identity } = self.storage;
        if K::KIND.is_restore() && folder.trim_matches('/').is_empty() {
            return Err(Error::invalid(Field::Folder, "this is missing"));
        }
        Address::check_folder(&folder).map_err(|error| Error::invalid(Field::Folder, error.to_string()))?;
        let address = Address::parse(&uri, &folder, &cx.storage).map_err(storage_error)?;
        let credential = match (&address, token, managed_identity) {
            (Address::Directory(_), None, false) => Credential::None,
            (Address::Blob { .. }, Some(token), false) => {
                Credential::sas(token.expose_secret()).map_err(storage_error)?
            }
            (Address::Blob { .. }, None, true) => Credential::ManagedIdentity,
            _ => {
                let why =
                    "a container requires either a SAS token or the managed identity, a directory neither";
                return Err(Error::invalid(Field::Token, why));
            }
        };
        DomainKeys::addressed(cx)?;
        let instance = cx.store.instance().to_string();
        let job = BackupJob { id: cx.ids.guid(), kind: K::KIND, started: cx.now, result: None, instance };
        let hsm = cx.managed_hsm()?.name.clone();
        let progress = Progress::default();
        let task = BackupTask { uri, folder, credential, key: self.key, progress };
        cx.backup_queue.push(QueuedJob { hsm: hsm.clone(), job: job.clone(), task });
        let state = JobState { job: job.clone(), keys: (0, 0) };
        Ok(Done::with(InHsm::new(cx, state)?, [Change::PutBackupJob(hsm, job)]))
    }
}
