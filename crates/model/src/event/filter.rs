//! The selection of events that a watch receives.

use uuid::Uuid;

use super::{EventPayload, LifecycleEvent};
use crate::resource::SubscriptionId;

/// The selection of events that a watch receives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EventFilter {
    /// The keys of the managed HSM or vault with this id.
    Keys(Uuid),
    /// The secrets of the vault with this id.
    Secrets(Uuid),
    /// The certificates of the vault with this id.
    Certificates(Uuid),
    /// The managed HSMs of a subscription.
    ManagedHsms(SubscriptionId),
    /// The vaults of a subscription.
    Vaults(SubscriptionId),
    /// The budgets of a subscription.
    Budgets(SubscriptionId),
}

impl EventFilter {
    /// Whether the watch receives the event. Watching containers reveals nothing about their contents or about costs.
    pub fn selects(&self, event: &LifecycleEvent) -> bool {
        match (self, &event.what) {
            (Self::Keys(id), EventPayload::Key(key)) => key.container_unique_id == *id,
            (Self::Secrets(id), EventPayload::Secret(secret)) => secret.vault_unique_id == *id,
            (Self::Certificates(id), EventPayload::Certificate(certificate)) => {
                certificate.vault_unique_id == *id
            }
            (Self::ManagedHsms(subscription), EventPayload::Hsm(_) | EventPayload::Clock(_))
            | (Self::Vaults(subscription), EventPayload::Vault(_) | EventPayload::Clock(_))
            | (Self::Budgets(subscription), EventPayload::Budget(_)) => event.subscription == *subscription,
            (
                Self::Keys(_)
                | Self::Secrets(_)
                | Self::Certificates(_)
                | Self::ManagedHsms(_)
                | Self::Vaults(_)
                | Self::Budgets(_),
                _,
            ) => false,
        }
    }

    /// Whether the event must wake the watch: it is received, or it ends the watch.
    pub fn wakes(&self, event: &LifecycleEvent) -> bool {
        self.selects(event) || self.container().is_some_and(|id| event.what.ended_container() == Some(id))
    }

    /// The id of the managed HSM or vault whose contents are watched.
    const fn container(&self) -> Option<Uuid> {
        match self {
            Self::Keys(id) | Self::Secrets(id) | Self::Certificates(id) => Some(*id),
            Self::ManagedHsms(_) | Self::Vaults(_) | Self::Budgets(_) => None,
        }
    }
}
