//! The transitions of soft-delete in a transaction: their preconditions, and their effects on each kind of resource.

use std::sync::Arc;

use super::super::objects::StoredObject;
use super::super::resources::Resources;
use super::Transaction;
use crate::model::arm_rbac::ControlScope;
use crate::model::certificate::Certificate;
use crate::model::container::{Container, ContainerId};
use crate::model::deletion::{Deletable, DeletionState, Transition};
use crate::model::hsm::ManagedHsm;
use crate::model::key::Key;
use crate::model::lifetime::Phase;
use crate::model::resource_kind::ResourceKind;
use crate::model::retention::Deletion;
use crate::model::secret::Secret;
use crate::model::vault::Vault;
use crate::model::{Error, Result};

impl Transaction<'_> {
    /// Adds a transition of a resource.
    pub(super) fn transition(&mut self, resource: &Deletable, transition: Transition) -> Result<()> {
        match resource {
            Deletable::Certificate(vault, name) => {
                check_dates(&self.writable_container(&vault.into())?, transition)?;
                let found = self.certificate(vault, name);
                let (certificate, next) =
                    step(resource, found, |certificate| certificate.deletion, transition)?;
                self.set_certificate_state(&certificate, next);
                Ok(())
            }
            Deletable::Key(container, name) => {
                check_dates(&self.writable_container(container)?, transition)?;
                self.check_unmanaged(container, name.as_str(), ResourceKind::Key, transition.verb())?;
                let found = self.key(container, name);
                let (key, next) = step(resource, found, |key| key.deletion, transition)?;
                self.set_object_state(&*key, next, |deletion| Key { deletion, ..Key::clone(&key) });
                Ok(())
            }
            Deletable::Secret(vault, name) => {
                check_dates(&self.writable_container(&vault.into())?, transition)?;
                self.check_unmanaged(&vault.into(), name.as_str(), ResourceKind::Secret, transition.verb())?;
                let found = self.secret(vault, name);
                let (secret, next) = step(resource, found, |secret| secret.deletion, transition)?;
                self.set_object_state(&*secret, next, |deletion| Secret {
                    deletion,
                    ..Secret::clone(&secret)
                });
                Ok(())
            }
            Deletable::ManagedHsm(name) => {
                let found = self.hsm(name).ok();
                let (hsm, next) = step(resource, found, |hsm| hsm.deletion, transition)?;
                self.set_hsm_state(&hsm, next, transition)
            }
            Deletable::Vault(name) => {
                let found = self.vault(name).ok();
                let (vault, next) = step(resource, found, |vault| vault.deletion, transition)?;
                check_dates(&Container::Vault(Arc::clone(&vault)), transition)?;
                self.set_vault_state(&vault, next, transition)
            }
        }
    }

    /// Stages the new state of an object; `with_deletion` returns it with other dates of its deletion.
    fn set_object_state<T: StoredObject>(
        &mut self,
        object: &T,
        next: DeletionState,
        with_deletion: impl FnOnce(Option<Deletion>) -> T,
    ) {
        let deletion = match next {
            DeletionState::Live => None,
            DeletionState::SoftDeleted(deletion) => Some(deletion),
            DeletionState::Purged => {
                let name = object.name().as_ref().to_ascii_lowercase();
                let id = (object.folded_container(), name);
                T::staged_mut(&mut self.changes).insert(id, None);
                return;
            }
        };
        self.set(with_deletion(deletion));
    }

    /// Stages the new state of a certificate and of its companions.
    fn set_certificate_state(&mut self, certificate: &Certificate, next: DeletionState) {
        let container = ContainerId::from(&certificate.vault);
        let name = certificate.name.as_str();
        if let Some(key) = self.object::<Key>(&container, name) {
            self.set_object_state(&*key, next, |deletion| Key { deletion, ..Key::clone(&key) });
        }
        if let Some(secret) = self.object::<Secret>(&container, name) {
            self.set_object_state(&*secret, next, |deletion| Secret { deletion, ..Secret::clone(&secret) });
        }
        self.set_object_state(certificate, next, |deletion| Certificate { deletion, ..certificate.clone() });
    }

    fn set_hsm_state(&mut self, hsm: &ManagedHsm, next: DeletionState, transition: Transition) -> Result<()> {
        let (deletion, phase) = match next {
            DeletionState::Live => {
                self.resources().check_parents(hsm.subscription, &hsm.resource_group)?;
                (None, Phase::Running)
            }
            DeletionState::SoftDeleted(deletion) => (Some(deletion), Phase::Deleted),
            DeletionState::Purged => (hsm.deletion, Phase::Purged),
        };
        let next_hsm = Container::ManagedHsm(Arc::new(ManagedHsm { deletion, ..hsm.clone() }));
        self.begin_phase(next_hsm, transition.at(), phase);
        if next == DeletionState::Purged {
            self.remove(&(&hsm.name).into(), &hsm.scope());
        }
        Ok(())
    }

    /// Role assignments at a vault are deleted with it, and a recovery does not restore them
    /// (<https://learn.microsoft.com/azure/key-vault/general/soft-delete-overview>).
    fn set_vault_state(&mut self, vault: &Vault, next: DeletionState, transition: Transition) -> Result<()> {
        let (deletion, phase) = match next {
            DeletionState::Live => {
                self.resources().check_parents(vault.subscription, &vault.resource_group)?;
                (None, Phase::Running)
            }
            DeletionState::SoftDeleted(deletion) => {
                self.delete_assignments_below(&vault.scope());
                (Some(deletion), Phase::Deleted)
            }
            DeletionState::Purged => (vault.deletion, Phase::Purged),
        };
        let updated = transition.at();
        let next_vault = Container::Vault(Arc::new(Vault { deletion, updated, ..vault.clone() }));
        self.begin_phase(next_vault, updated, phase);
        if next == DeletionState::Purged {
            self.remove(&(&vault.name).into(), &vault.scope());
        }
        Ok(())
    }

    /// Removes a container with its intents and the role assignments in its scope.
    fn remove(&mut self, container: &ContainerId, scope: &ControlScope) {
        let folded = container.to_case_insensitive();
        let intents = self.memory.intents().into_iter();
        let closed =
            intents.filter(|intent| intent.container.to_case_insensitive() == folded).map(|intent| intent.id);
        self.changes.closed.extend(closed);
        self.changes.containers.insert(folded, None);
        // A later container of the same name must not inherit the assignments.
        self.delete_assignments_below(scope);
    }

    fn delete_assignments_below(&mut self, scope: &ControlScope) {
        let mut resources = Resources::clone(&self.resources());
        resources.roles.delete_assignments_below(scope);
        self.changes.resources = Some(Arc::new(resources));
    }
}

/// Checks that nothing is deleted permanently in a vault whose soft-delete has been enabled since the call read it.
fn check_dates(container: &Container, transition: Transition) -> Result<()> {
    let is_permanent = matches!(transition, Transition::SoftDelete(deletion) if deletion.is_permanent());
    match container.vault() {
        Some(vault) if is_permanent && vault.soft_delete => {
            Err(Error::Conflict { what: format!("vault {}", vault.name) })
        }
        _ => Ok(()),
    }
}

/// Returns the stored resource and its state after a transition.
fn step<T>(
    resource: &Deletable,
    found: Option<Arc<T>>,
    deletion: impl Fn(&T) -> Option<Deletion>,
    transition: Transition,
) -> Result<(Arc<T>, DeletionState)> {
    let state =
        found.as_ref().map_or(DeletionState::Purged, |stored| DeletionState::stored(deletion(stored)));
    let next = found.zip(state.after(transition));
    next.ok_or_else(|| -> Error { resource.rejection(state, transition) })
}
