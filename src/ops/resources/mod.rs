//! What holds managed HSMs: subscriptions, resource groups, locations.

mod subscriptions;

pub use subscriptions::{GetSubscription, ListSubscriptions};

use crate::model::Result;
use crate::model::control_plane::ControlScope;
use crate::model::resource::SubscriptionId;
use crate::ops::{ControlPlane, DirectoryPlane, Target};
use crate::store::Store;

/// Everything above subscriptions.
#[derive(Debug)]
pub struct Directory;

impl Target for Directory {
    type Plane = DirectoryPlane;
    type Id = ();

    fn place((): &()) {}

    fn scope((): &(), _: &Store) {}

    fn describe((): &()) -> String {
        "subscriptions".to_owned()
    }

    fn lock((): &()) -> String {
        "subscriptions".to_owned()
    }

    fn load((): &(), _: &Store) -> Result<Self> {
        Ok(Self)
    }
}

/// A place on the control plane, whether there is anything or not.
#[derive(Debug)]
pub struct Place;

impl Target for Place {
    type Plane = ControlPlane;
    type Id = ControlScope;

    fn place(id: &ControlScope) -> SubscriptionId {
        id.subscription()
    }

    fn scope(id: &ControlScope, _: &Store) -> ControlScope {
        id.clone()
    }

    fn describe(id: &ControlScope) -> String {
        id.to_string()
    }

    /// One change at a time in a subscription.
    fn lock(id: &ControlScope) -> String {
        format!("subscriptions/{}", id.subscription())
    }

    fn load(_: &ControlScope, _: &Store) -> Result<Self> {
        Ok(Self)
    }
}
