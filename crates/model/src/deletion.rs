//! Soft-delete as one state machine: the resources that are soft-deleted, their states and the transitions.

use serde::{Deserialize, Serialize};

use super::container_id::ContainerId;
use super::name::{CertificateName, HsmName, KeyName, SecretName, VaultName};
use super::resource_kind::Resource;
use super::retention::{Deletion, RecoveryLevel};
use super::{Error, Result, Timestamp};

/// A resource that is soft-deleted, and recovered or purged later, by its name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Deletable {
    /// A certificate with all its versions, and with its companion key and secret.
    Certificate(VaultName, CertificateName),
    /// A key with all its versions.
    Key(ContainerId, KeyName),
    /// A managed HSM with everything in it.
    ManagedHsm(HsmName),
    /// A secret with all its versions.
    Secret(VaultName, SecretName),
    /// A vault with everything in it.
    Vault(VaultName),
}

/// The state of a resource that can be soft-deleted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeletionState {
    /// It is in use, and can be soft-deleted.
    Live,
    /// It is kept until its scheduled purge date, and can be recovered or purged. Its name is reserved.
    SoftDeleted(Deletion),
    /// It does not exist, or no longer. Its name is free.
    Purged,
}

/// A change of the state.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Transition {
    /// Soft-deletes a live resource.
    SoftDelete(Deletion),
    /// Recovers a soft-deleted resource at this time.
    Recover(Timestamp),
    /// Purges a soft-deleted resource, with everything in it, at this time.
    Purge(Timestamp),
}

impl DeletionState {
    /// Returns the state of a stored resource; `deletion` is `None` while it is live.
    pub const fn stored(deletion: Option<Deletion>) -> Self {
        match deletion {
            None => Self::Live,
            Some(deletion) => Self::SoftDeleted(deletion),
        }
    }

    /// Returns the state after a transition; `None` if the transition is not possible in this state.
    pub const fn after(self, transition: Transition) -> Option<Self> {
        match (self, transition) {
            (Self::Live, Transition::SoftDelete(deletion)) => Some(Self::SoftDeleted(deletion)),
            (Self::SoftDeleted(_), Transition::Recover(_)) => Some(Self::Live),
            (Self::SoftDeleted(_), Transition::Purge(_)) => Some(Self::Purged),
            (Self::Live, Transition::Recover(_) | Transition::Purge(_))
            | (Self::SoftDeleted(_), Transition::SoftDelete(_))
            | (Self::Purged, _) => None,
        }
    }
}

impl Transition {
    /// Returns the operation as Azure names it in errors.
    pub const fn verb(self) -> &'static str {
        match self {
            Self::SoftDelete(_) => "delete",
            Self::Recover(_) => "recover",
            Self::Purge(_) => "purge",
        }
    }

    /// Returns when it takes place.
    pub const fn at(self) -> Timestamp {
        match self {
            Self::SoftDelete(deletion) => deletion.deleted_at,
            Self::Recover(at) | Self::Purge(at) => at,
        }
    }
}

impl Deletable {
    /// Returns the container that holds its key material: a container holds its own.
    pub fn container(&self) -> ContainerId {
        match self {
            Self::Key(container, _) => container.clone(),
            Self::Certificate(vault, _) | Self::Secret(vault, _) => vault.into(),
            Self::ManagedHsm(name) => name.into(),
            Self::Vault(name) => name.into(),
        }
    }

    /// Returns its name in its container in lower case, by which lists are ordered.
    pub fn to_case_insensitive(&self) -> String {
        match self {
            Self::Key(_, name) => name.to_case_insensitive(),
            Self::ManagedHsm(name) => name.to_case_insensitive(),
            Self::Certificate(_, name) => name.to_case_insensitive(),
            Self::Secret(_, name) => name.to_case_insensitive(),
            Self::Vault(name) => name.to_case_insensitive(),
        }
    }

    /// Returns the resource as errors name it while it is live.
    pub fn live(&self) -> Resource {
        match self {
            Self::Key(container, name) => Resource::key(container, name),
            Self::Certificate(vault, name) => Resource::certificate(vault, name),
            Self::Secret(vault, name) => Resource::secret(vault, name),
            Self::ManagedHsm(name) => name.into(),
            Self::Vault(name) => name.into(),
        }
    }

    /// Returns the resource as errors name it while it is soft-deleted.
    pub fn deleted(&self) -> Resource {
        match self {
            Self::Key(container, name) => Resource::deleted_key(container, name),
            Self::Certificate(vault, name) => Resource::deleted_certificate(vault, name),
            Self::Secret(vault, name) => Resource::deleted_secret(vault, name),
            Self::ManagedHsm(name) => Resource::deleted_hsm(name),
            Self::Vault(name) => Resource::deleted_vault(name),
        }
    }

    /// Returns the error of a transition that is not possible in `state`.
    pub fn rejection(&self, state: DeletionState, transition: Transition) -> Error {
        match (transition, state, self) {
            (
                Transition::SoftDelete(_),
                DeletionState::SoftDeleted(deletion),
                Self::ManagedHsm(_) | Self::Vault(_),
            ) => Error::deleted(self.live(), deletion),
            (Transition::SoftDelete(_), _, _) => Error::NotFound(self.live()),
            (Transition::Recover(_) | Transition::Purge(_), _, _) => Error::NotFound(self.deleted()),
        }
    }
}

impl RecoveryLevel {
    /// Checks that a deleted resource can be purged at `now`.
    ///
    /// # Errors
    /// `PurgeProtected` before the scheduled purge date if purge protection or a protected subscription forbids it.
    pub fn check_purge(self, deletion: Deletion, now: Timestamp) -> Result<()> {
        let protected = self.purge_protection || self.protected_subscription;
        if protected && now < deletion.scheduled_purge_at {
            return Err(Error::PurgeProtected {
                level: self,
                scheduled_purge_at: deletion.scheduled_purge_at,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_three_transitions_are_possible() {
        let at = Timestamp::UNIX_EPOCH;
        let deletion = Deletion { deleted_at: at, scheduled_purge_at: at };
        let deleted = DeletionState::SoftDeleted(deletion);
        let transitions = [Transition::SoftDelete(deletion), Transition::Recover(at), Transition::Purge(at)];
        let after = |state: DeletionState| transitions.map(|transition| state.after(transition));
        assert_eq!(after(DeletionState::Live), [Some(deleted), None, None]);
        assert_eq!(after(deleted), [None, Some(DeletionState::Live), Some(DeletionState::Purged)]);
        assert_eq!(after(DeletionState::Purged), [None, None, None]);
        assert_eq!(DeletionState::stored(None), DeletionState::Live);
        assert_eq!(DeletionState::stored(Some(deletion)), deleted);
    }
}
