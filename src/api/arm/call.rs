//! Dispatches a request of Azure Resource Manager: parses the operation of its route, runs it, and converts the reply.

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

/// The contents of a request for Azure Resource Manager.
pub(super) type Asked<'a> = call::Asked<'a, Site>;
/// A received request for Azure Resource Manager.
pub(super) type Call<'a> = call::Call<'a, Site>;

impl Call<'_> {
    /// Runs the operation of a route.
    ///
    /// # Errors
    /// The error to return to the client.
    pub(super) async fn answer(self, route: Route<'_>) -> Result<Answer> {
        match route {
            Route::CloudMetadata | Route::Unknown => Err(self.refuse(Error::RouteNotFound).await),
            Route::NotYet(unbuilt) => Err(self.refuse(unbuilt.into()).await),
            Route::ListSubscriptions => {
                self.run(resources::list_subscriptions, resources::subscriptions).await
            }
            Route::ListTenants => self.run(resources::list_subscriptions, resources::tenants).await,
            Route::ListProviderOperations => self.run(resources::list_subscriptions, cloud::operations).await,
            Route::GetSubscription(id) => {
                self.run(|input| resources::get_subscription(input, id), resources::subscription).await
            }
            Route::ListLocations(id) => {
                self.run(|input| resources::list_locations(input, id), resources::locations).await
            }
            Route::ListProviders(id) => {
                self.run(|input| resources::list_locations(input, id), cloud::providers).await
            }
            Route::GetProvider(id, namespace) => {
                self.run(|input| resources::list_locations(input, id), cloud::one_provider(namespace)).await
            }
            Route::ListVaults(id, None) => {
                self.run(|input| resources::get_subscription(input, id), cloud::nothing).await
            }
            Route::ListVaults(subscription, Some(group)) => {
                let of = GroupOf { subscription, group };
                self.run(|input| resources::get_group(input, of), cloud::nothing).await
            }
            Route::ListResources(subscription, group) | Route::ListHsms(subscription, group) => {
                let filter = hsms::filter(self.asked());
                let wanted = filter.clone();
                let read = |input: &Asked<'_>| wanted.and_then(|_| hsms::list(input, subscription, group));
                let show = |endpoint: &Site, page| hsms::listed(endpoint, page, &filter.unwrap_or_default());
                self.run(read, show).await
            }
            Route::ListGroups(id) => {
                let filter = resources::filter(self.asked());
                let wanted = filter.clone();
                let read = |input: &Asked<'_>| wanted.and_then(|_| resources::list_groups(input, id));
                let show = |_: &Site, all| resources::groups(all, &filter.unwrap_or_default());
                self.run(read, show).await
            }
            Route::GetGroup(of) => {
                self.run(|input| resources::get_group(input, of), resources::got_group).await
            }
            Route::HasGroup(of) => self.has_group(of).await,
            Route::PutGroup(of) => {
                let (group, new) =
                    self.send(true, |input| resources::put_group(input, of), resources::made_group).await?;
                Answer::json(if new { StatusCode::CREATED } else { StatusCode::OK }, &group)
            }
            Route::UpdateGroup(of) => {
                self.run(|input| resources::update_group(input, of), resources::updated_group).await
            }
            Route::DeleteGroup(of) => {
                let version = self.asked().query.api_version().to_owned();
                let show =
                    |endpoint: &Site, group: Arc<_>| resources::deletion_of(endpoint, &group, &version);
                let location = self.send(true, |input| resources::delete_group(input, of), show).await?;
                Ok(Answer::accepted(location))
            }
            Route::GroupOutcome(subscription, id) => {
                self.send(true, |input| resources::deletion(input, subscription, id), |_, ()| ()).await?;
                Ok(Answer::empty(StatusCode::OK))
            }
            Route::GetHsm(hsm) => self.run(|input| hsms::get(input, hsm), hsms::shown).await,
            Route::PutHsm(hsm) => self.put_hsm(hsm).await,
            Route::UpdateHsm(hsm) => self.run_accepted(|input| hsms::update(input, hsm, false)).await,
            Route::DeleteHsm(hsm) => self.run_accepted(|input| hsms::delete(input, hsm)).await,
            Route::ListRegions(hsm) => self.run(|input| hsms::get(input, hsm), hsms::regions).await,
            Route::ListPrivate(hsm) => self.run(|input| hsms::get(input, hsm), cloud::nothing).await,
            Route::CheckName(id) => self.run(|input| hsms::check_name(input, id), hsms::availability).await,
            Route::ListDeletedHsms(id) => self.run(|input| deleted::list(input, id), deleted::listed).await,
            Route::GetDeletedHsm(of) => self.run(|input| deleted::get(input, of), deleted::shown).await,
            Route::PurgeDeletedHsm(of) => self.run_accepted(|input| deleted::purge(input, of)).await,
            Route::OperationResult(subscription, id) => self.outcome(subscription, id).await,
            Route::ListRoleDefinitions(at) => {
                let filter = Filter::of_definitions(self.asked().query.filter());
                let wanted = filter.clone();
                let read =
                    |input: &Asked<'_>| wanted.and_then(|_| authorization::list_definitions(input, at));
                let show = |_: &Site, all| authorization::definitions(&all, &filter.unwrap_or_default());
                self.run(read, show).await
            }
            Route::GetRoleDefinition(at, id) => {
                self.run(|input| authorization::get_definition(input, at, id), authorization::definition)
                    .await
            }
            Route::ListRoleAssignments(at) => {
                self.run(|input| authorization::list_assignments(input, at), authorization::assignments).await
            }
            Route::GetRoleAssignment(at, id) => {
                self.run(|input| authorization::get_assignment(input, at, id), authorization::assignment)
                    .await
            }
            Route::PutRoleAssignment(at, id) => {
                let read = |input: &Asked<'_>| authorization::put_assignment(input, at, id);
                let created = self.send(true, read, authorization::assignment).await?;
                Answer::json(StatusCode::CREATED, &created)
            }
            Route::DeleteRoleAssignment(at, id) => {
                self.run(|input| authorization::delete_assignment(input, at, id), authorization::assignment)
                    .await
            }
        }
    }

    /// `PUT` recovers, updates or creates, depending on the body and on whether the HSM exists. If that changes before
    /// the operation runs, the operation fails.
    async fn put_hsm(self, hsm: HsmOf<'_>) -> Result<Answer> {
        let path = hsms::path(hsm).ok();
        let found = path.as_ref().and_then(|path| self.engine().managed_hsm(&path.name));
        let exists = found.zip(path).is_some_and(|(found, path)| {
            found.deletion.is_none()
                && found.subscription == path.subscription
                && found.resource_group.folded() == path.resource_group.folded()
        });
        if hsms::is_recovery(self.asked()) {
            self.run_accepted(|input| hsms::recover(input, hsm)).await
        } else if exists {
            self.run_accepted(|input| hsms::update(input, hsm, true)).await
        } else {
            self.run_accepted(|input| hsms::create(input, hsm)).await
        }
    }

    /// Returns whether a resource group exists: the response to `HEAD`, without a body.
    async fn has_group(self, of: GroupOf<'_>) -> Result<Answer> {
        match self.send(true, |input| resources::get_group(input, of), |_, _| ()).await {
            Ok(()) => Ok(Answer::empty(StatusCode::NO_CONTENT)),
            Err(Error::NotFound(_)) => Ok(Answer::empty(StatusCode::NOT_FOUND)),
            Err(error) => Err(error),
        }
    }

    /// Returns the operation result of an HSM: the resource, or an empty body if it no longer exists (recorded).
    async fn outcome(self, subscription: &str, id: &str) -> Result<Answer> {
        let read = |input: &Asked<'_>| hsms::operation_result(input, subscription, id);
        let shown = |endpoint: &Site, outcome| match outcome {
            Outcome::Live(bundle) => Some(hsms::shown(endpoint, bundle)),
            Outcome::Gone => None,
        };
        match self.send(true, read, shown).await? {
            Some(hsm) => Answer::json(StatusCode::OK, &hsm),
            None => Ok(Answer::empty(StatusCode::OK)),
        }
    }

    /// Runs one operation, and responds with its reply.
    async fn run<O, S>(
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

    /// Runs one operation on an HSM, and responds with the URL of its operation result.
    async fn run_accepted<O>(self, read: impl FnOnce(&Asked<'_>) -> Result<O> + Send) -> Result<Answer>
    where
        O: Operation<Target: Target<Plane: Gate>, Reply = HsmBundle>,
    {
        let version = self.asked().query.api_version().to_owned();
        let location = self
            .send(true, read, |endpoint, bundle| operation_result_url(endpoint, &bundle.hsm, &version))
            .await?;
        Ok(Answer::accepted(location))
    }
}

/// Returns the URL of the operation result of an HSM.
fn operation_result_url(endpoint: &Site, hsm: &ManagedHsm, version: &str) -> String {
    let ManagedHsm { subscription, location, id, .. } = hsm;
    // The name of the location in a URL: without spaces and in lower case.
    let location: String = location.chars().filter(char::is_ascii_alphanumeric).collect();
    format!(
        "{}/subscriptions/{subscription}/providers/Microsoft.KeyVault/locations/{}/managedHsmOperationResults/{id}?api-version={version}",
        endpoint.base,
        location.to_ascii_lowercase()
    )
}
