//! One call: the route becomes an operation, the engine runs it, the reply becomes an answer.

use std::sync::Arc;

use http::StatusCode;
use serde::Serialize;

use super::super::azure::call;
use super::super::azure::filter::Filter;
use super::answer::Answer;
use super::route::{GroupOf, HsmOf, Route};
use super::site::Site;
use super::wire::{authorization, cloud, deleted, hsms, resources};
use crate::engine::Gate;
use crate::model::hsm::ManagedHsm;
use crate::model::{Error, Result};
use crate::ops::hsms::{HsmBundle, Outcome};
use crate::ops::{Operation, Target};

/// What is asked of Azure Resource Manager.
pub(super) type Asked<'a> = call::Asked<'a, Site>;
/// A request for Azure Resource Manager.
pub(super) type Call<'a> = call::Call<'a, Site>;

impl Call<'_> {
    /// Answers what the route asks for.
    ///
    /// # Errors
    /// What the caller must be told.
    pub(super) async fn answer(self, route: Route<'_>) -> Result<Answer> {
        match route {
            Route::CloudMetadata | Route::Unknown => Err(self.refuse(Error::RouteNotFound).await),
            Route::NotYet(unbuilt) => Err(self.refuse(unbuilt.into()).await),
            Route::ListSubscriptions => {
                self.tell(resources::list_subscriptions, resources::subscriptions).await
            }
            Route::ListTenants => self.tell(resources::list_subscriptions, resources::tenants).await,
            Route::ListProviderOperations => {
                self.tell(resources::list_subscriptions, cloud::operations).await
            }
            Route::GetSubscription(id) => {
                self.tell(|asked| resources::get_subscription(asked, id), resources::subscription).await
            }
            Route::ListLocations(id) => {
                self.tell(|asked| resources::list_locations(asked, id), resources::locations).await
            }
            Route::ListProviders(id) => {
                self.tell(|asked| resources::list_locations(asked, id), cloud::providers).await
            }
            Route::GetProvider(id, namespace) => {
                self.tell(|asked| resources::list_locations(asked, id), cloud::one_provider(namespace)).await
            }
            Route::ListVaults(id, None) => {
                self.tell(|asked| resources::get_subscription(asked, id), cloud::nothing).await
            }
            Route::ListVaults(subscription, Some(group)) => {
                let of = GroupOf { subscription, group };
                self.tell(|asked| resources::get_group(asked, of), cloud::nothing).await
            }
            Route::ListResources(subscription, group) | Route::ListHsms(subscription, group) => {
                let filter = hsms::filter(self.asked());
                let wanted = filter.clone();
                let read = |asked: &Asked<'_>| wanted.and_then(|_| hsms::list(asked, subscription, group));
                let show = |site: &Site, page| hsms::listed(site, page, &filter.unwrap_or_default());
                self.tell(read, show).await
            }
            Route::ListGroups(id) => {
                let filter = resources::filter(self.asked());
                let wanted = filter.clone();
                let read = |asked: &Asked<'_>| wanted.and_then(|_| resources::list_groups(asked, id));
                let show = |_: &Site, all| resources::groups(all, &filter.unwrap_or_default());
                self.tell(read, show).await
            }
            Route::GetGroup(of) => {
                self.tell(|asked| resources::get_group(asked, of), resources::got_group).await
            }
            Route::HasGroup(of) => self.has_group(of).await,
            Route::PutGroup(of) => {
                let (group, new) =
                    self.send(true, |asked| resources::put_group(asked, of), resources::made_group).await?;
                Answer::json(if new { StatusCode::CREATED } else { StatusCode::OK }, &group)
            }
            Route::UpdateGroup(of) => {
                self.tell(|asked| resources::update_group(asked, of), resources::updated_group).await
            }
            Route::DeleteGroup(of) => {
                let version = self.asked().query.api_version().to_owned();
                let show = |site: &Site, group: Arc<_>| resources::deletion_of(site, &group, &version);
                let location = self.send(true, |asked| resources::delete_group(asked, of), show).await?;
                Ok(Answer::accepted(location))
            }
            Route::GroupOutcome(subscription, id) => {
                self.send(true, |asked| resources::deletion(asked, subscription, id), |_, ()| ()).await?;
                Ok(Answer::empty(StatusCode::OK))
            }
            Route::GetHsm(hsm) => self.tell(|asked| hsms::get(asked, hsm), hsms::shown).await,
            Route::PutHsm(hsm) => self.put_hsm(hsm).await,
            Route::UpdateHsm(hsm) => self.begin(|asked| hsms::update(asked, hsm, false)).await,
            Route::DeleteHsm(hsm) => self.begin(|asked| hsms::delete(asked, hsm)).await,
            Route::ListRegions(hsm) => self.tell(|asked| hsms::get(asked, hsm), hsms::regions).await,
            Route::ListPrivate(hsm) => self.tell(|asked| hsms::get(asked, hsm), cloud::nothing).await,
            Route::CheckName(id) => self.tell(|asked| hsms::check_name(asked, id), hsms::availability).await,
            Route::ListDeletedHsms(id) => self.tell(|asked| deleted::list(asked, id), deleted::listed).await,
            Route::GetDeletedHsm(of) => self.tell(|asked| deleted::get(asked, of), deleted::shown).await,
            Route::PurgeDeletedHsm(of) => self.begin(|asked| deleted::purge(asked, of)).await,
            Route::OperationResult(subscription, id) => self.outcome(subscription, id).await,
            Route::ListRoleDefinitions(at) => {
                let filter = Filter::of_definitions(self.asked().query.filter());
                let wanted = filter.clone();
                let read =
                    |asked: &Asked<'_>| wanted.and_then(|_| authorization::list_definitions(asked, at));
                let show = |_: &Site, all| authorization::definitions(&all, &filter.unwrap_or_default());
                self.tell(read, show).await
            }
            Route::GetRoleDefinition(at, id) => {
                self.tell(|asked| authorization::get_definition(asked, at, id), authorization::definition)
                    .await
            }
            Route::ListRoleAssignments(at) => {
                self.tell(|asked| authorization::list_assignments(asked, at), authorization::assignments)
                    .await
            }
            Route::GetRoleAssignment(at, id) => {
                self.tell(|asked| authorization::get_assignment(asked, at, id), authorization::assignment)
                    .await
            }
            Route::PutRoleAssignment(at, id) => {
                let read = |asked: &Asked<'_>| authorization::put_assignment(asked, at, id);
                let made = self.send(true, read, authorization::assignment).await?;
                Answer::json(StatusCode::CREATED, &made)
            }
            Route::DeleteRoleAssignment(at, id) => {
                self.tell(|asked| authorization::delete_assignment(asked, at, id), authorization::assignment)
                    .await
            }
        }
    }

    /// `PUT` brings back, changes or makes, by what it says and by what is there. Between looking and doing, somebody
    /// else may have changed that; then it is refused.
    async fn put_hsm(self, hsm: HsmOf<'_>) -> Result<Answer> {
        let path = hsms::path(hsm).ok();
        let known = path.as_ref().and_then(|path| self.engine().managed_hsm(&path.name));
        let is_there = known.zip(path).is_some_and(|(known, path)| {
            known.deletion.is_none()
                && known.subscription == path.subscription
                && known.resource_group.folded() == path.resource_group.folded()
        });
        if hsms::is_recovery(self.asked()) {
            self.begin(|asked| hsms::recover(asked, hsm)).await
        } else if is_there {
            self.begin(|asked| hsms::update(asked, hsm, true)).await
        } else {
            self.begin(|asked| hsms::create(asked, hsm)).await
        }
    }

    /// Whether there is a resource group: an answer to `HEAD`, which has no body.
    async fn has_group(self, of: GroupOf<'_>) -> Result<Answer> {
        match self.send(true, |asked| resources::get_group(asked, of), |_, _| ()).await {
            Ok(()) => Ok(Answer::empty(StatusCode::NO_CONTENT)),
            Err(Error::ResourceGroupNotFound { .. }) => Ok(Answer::empty(StatusCode::NOT_FOUND)),
            Err(error) => Err(error),
        }
    }

    /// What became of an HSM: the resource, or nothing where it is gone (recorded).
    async fn outcome(self, subscription: &str, id: &str) -> Result<Answer> {
        let read = |asked: &Asked<'_>| hsms::operation_result(asked, subscription, id);
        let shown = |site: &Site, outcome| match outcome {
            Outcome::Live(bundle) => Some(hsms::shown(site, bundle)),
            Outcome::Gone => None,
        };
        match self.send(true, read, shown).await? {
            Some(hsm) => Answer::json(StatusCode::OK, &hsm),
            None => Ok(Answer::empty(StatusCode::OK)),
        }
    }

    /// Sends one request through the engine, and tells what comes of it.
    async fn tell<O, S>(
        self,
        read: impl FnOnce(&Asked<'_>) -> Result<O> + Send,
        show: impl FnOnce(&Site, O::Reply) -> S + Send,
    ) -> Result<Answer>
    where
        O: Operation<Target: Target<Plane: Gate>>,
        S: Serialize,
    {
        let reply = self.send::<O, S>(true, read, show).await?;
        Answer::json(StatusCode::OK, &reply)
    }

    /// Sends one request through the engine, and tells where its outcome is to be asked for.
    async fn begin<O>(self, read: impl FnOnce(&Asked<'_>) -> Result<O> + Send) -> Result<Answer>
    where
        O: Operation<Target: Target<Plane: Gate>, Reply = HsmBundle>,
    {
        let version = self.asked().query.api_version().to_owned();
        let location = self.send(true, read, |site, bundle| outcome_of(site, &bundle.hsm, &version)).await?;
        Ok(Answer::accepted(location))
    }
}

/// Where the outcome of something done to an HSM is told.
fn outcome_of(site: &Site, hsm: &ManagedHsm, version: &str) -> String {
    let ManagedHsm { subscription, location, id, .. } = hsm;
    // As a part of a URL: without its blanks and in small letters it is its other name.
    let location: String = location.chars().filter(char::is_ascii_alphanumeric).collect();
    format!(
        "{}/subscriptions/{subscription}/providers/Microsoft.KeyVault/locations/{}/managedHsmOperationResults/{id}?api-version={version}",
        site.base,
        location.to_ascii_lowercase()
    )
}
