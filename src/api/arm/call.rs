//! Dispatches a request of Azure Resource Manager: parses the operation of its route, runs it, and converts the reply.

use std::sync::Arc;

use http::StatusCode;
use serde::Serialize;

use super::super::azure::call;
use super::super::azure::filter::Filter;
use super::endpoint::Endpoint;
use super::response::CallResponse;
use super::route::{GroupRef, HsmRef, Route};
use super::wire::{authorization, cloud, deleted, hsms, resources};
use crate::engine::PlaneAccess;
use crate::model::hsm::ManagedHsm;
use crate::model::{Error, Result};
use crate::ops::hsms::{HsmBundle, OperationOutcome};
use crate::ops::{Operation, Target};

/// The contents of a request for Azure Resource Manager.
pub(super) type RequestInput<'a> = call::RequestInput<'a, Endpoint>;
/// A received request for Azure Resource Manager.
pub(super) type Call<'a> = call::Call<'a, Endpoint>;

impl Call<'_> {
    /// Runs the operation of a route.
    ///
    /// # Errors
    /// The error to return to the client.
    pub(super) async fn dispatch(self, route: Route<'_>) -> Result<CallResponse> {
        match route {
            Route::CloudMetadata | Route::Unknown => Err(self.refuse(Error::RouteNotFound).await),
            Route::Unsupported(unbuilt) => Err(self.refuse(unbuilt.into()).await),
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
                self.run(|input| resources::list_locations(input, id), cloud::provider_by_name(namespace))
                    .await
            }
            Route::ListVaults(id, None) => {
                self.run(|input| resources::get_subscription(input, id), cloud::empty_list).await
            }
            Route::ListVaults(subscription, Some(group)) => {
                let of = GroupRef { subscription, group };
                self.run(|input| resources::get_group(input, of), cloud::empty_list).await
            }
            Route::ListResources(subscription, group) | Route::ListHsms(subscription, group) => {
                let filter = hsms::filter(self.input());
                let wanted = filter.clone();
                let read =
                    |input: &RequestInput<'_>| wanted.and_then(|_| hsms::list(input, subscription, group));
                let show =
                    |endpoint: &Endpoint, page| hsms::listed(endpoint, page, &filter.unwrap_or_default());
                self.run(read, show).await
            }
            Route::ListGroups(id) => {
                let filter = resources::filter(self.input());
                let wanted = filter.clone();
                let read = |input: &RequestInput<'_>| wanted.and_then(|_| resources::list_groups(input, id));
                let show = |_: &Endpoint, all| resources::groups(all, &filter.unwrap_or_default());
                self.run(read, show).await
            }
            Route::GetGroup(of) => {
                self.run(|input| resources::get_group(input, of), resources::got_group).await
            }
            Route::HasGroup(of) => self.has_group(of).await,
            Route::PutGroup(of) => {
                let (group, new) = self
                    .send(true, |input| resources::put_group(input, of), resources::put_group_response)
                    .await?;
                CallResponse::json(if new { StatusCode::CREATED } else { StatusCode::OK }, &group)
            }
            Route::UpdateGroup(of) => {
                self.run(|input| resources::update_group(input, of), resources::updated_group).await
            }
            Route::DeleteGroup(of) => {
                let version = self.input().query.api_version().to_owned();
                let show = |endpoint: &Endpoint, group: Arc<_>| {
                    resources::deletion_result_url(endpoint, &group, &version)
                };
                let location = self.send(true, |input| resources::delete_group(input, of), show).await?;
                Ok(CallResponse::accepted(location))
            }
            Route::GroupDeletionResult(subscription, id) => {
                self.send(true, |input| resources::deletion(input, subscription, id), |_, ()| ()).await?;
                Ok(CallResponse::empty(StatusCode::OK))
            }
            Route::GetHsm(hsm) => self.run(|input| hsms::get(input, hsm), hsms::hsm_response).await,
            Route::PutHsm(hsm) => self.put_hsm(hsm).await,
            Route::UpdateHsm(hsm) => self.run_accepted(|input| hsms::update(input, hsm, false)).await,
            Route::DeleteHsm(hsm) => self.run_accepted(|input| hsms::delete(input, hsm)).await,
            Route::ListRegions(hsm) => self.run(|input| hsms::get(input, hsm), hsms::regions).await,
            Route::ListPrivateLinks(hsm) => self.run(|input| hsms::get(input, hsm), cloud::empty_list).await,
            Route::CheckName(id) => self.run(|input| hsms::check_name(input, id), hsms::availability).await,
            Route::ListDeletedHsms(id) => self.run(|input| deleted::list(input, id), deleted::listed).await,
            Route::GetDeletedHsm(of) => {
                self.run(|input| deleted::get(input, of), deleted::deleted_hsm_response).await
            }
            Route::PurgeDeletedHsm(of) => self.run_accepted(|input| deleted::purge(input, of)).await,
            Route::OperationResult(subscription, id) => self.outcome(subscription, id).await,
            Route::ListRoleDefinitions(at) => {
                let filter = Filter::of_definitions(self.input().query.filter());
                let wanted = filter.clone();
                let read = |input: &RequestInput<'_>| {
                    wanted.and_then(|_| authorization::list_definitions(input, at))
                };
                let show = |_: &Endpoint, all| authorization::definitions(&all, &filter.unwrap_or_default());
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
                let read = |input: &RequestInput<'_>| authorization::put_assignment(input, at, id);
                let created = self.send(true, read, authorization::assignment).await?;
                CallResponse::json(StatusCode::CREATED, &created)
            }
            Route::DeleteRoleAssignment(at, id) => {
                self.run(|input| authorization::delete_assignment(input, at, id), authorization::assignment)
                    .await
            }
        }
    }

    /// `PUT` recovers, updates or creates, depending on the body and on whether the HSM exists. If that changes before
    /// the operation runs, the operation fails.
    async fn put_hsm(self, hsm: HsmRef<'_>) -> Result<CallResponse> {
        let path = hsms::path(hsm).ok();
        let found = path.as_ref().and_then(|path| self.engine().managed_hsm(&path.name));
        let exists = found.zip(path).is_some_and(|(found, path)| {
            found.deletion.is_none()
                && found.subscription == path.subscription
                && found.resource_group.to_case_insensitive() == path.resource_group.to_case_insensitive()
        });
        if hsms::is_recovery(self.input()) {
            self.run_accepted(|input| hsms::recover(input, hsm)).await
        } else if exists {
            self.run_accepted(|input| hsms::update(input, hsm, true)).await
        } else {
            self.run_accepted(|input| hsms::create(input, hsm)).await
        }
    }

    /// Returns whether a resource group exists: the response to `HEAD`, without a body.
    async fn has_group(self, of: GroupRef<'_>) -> Result<CallResponse> {
        match self.send(true, |input| resources::get_group(input, of), |_, _| ()).await {
            Ok(()) => Ok(CallResponse::empty(StatusCode::NO_CONTENT)),
            Err(Error::NotFound(_)) => Ok(CallResponse::empty(StatusCode::NOT_FOUND)),
            Err(error) => Err(error),
        }
    }

    /// Returns the operation result of an HSM: the resource, or an empty body if it no longer exists (recorded).
    async fn outcome(self, subscription: &str, id: &str) -> Result<CallResponse> {
        let read = |input: &RequestInput<'_>| hsms::operation_result(input, subscription, id);
        let shown = |endpoint: &Endpoint, outcome| match outcome {
            OperationOutcome::Live(bundle) => Some(hsms::hsm_response(endpoint, bundle)),
            OperationOutcome::Deleted => None,
        };
        match self.send(true, read, shown).await? {
            Some(hsm) => CallResponse::json(StatusCode::OK, &hsm),
            None => Ok(CallResponse::empty(StatusCode::OK)),
        }
    }

    /// Runs one operation, and responds with its reply.
    async fn run<O, S>(
        self,
        read: impl FnOnce(&RequestInput<'_>) -> Result<O> + Send,
        show: impl FnOnce(&Endpoint, O::Reply) -> S + Send,
    ) -> Result<CallResponse>
    where
        O: Operation<Target: Target<Plane: PlaneAccess>>,
        S: Serialize,
    {
        let reply = self.send::<O, S>(true, read, show).await?;
        CallResponse::json(StatusCode::OK, &reply)
    }

    /// Runs one operation on an HSM, and responds with the URL of its operation result.
    async fn run_accepted<O>(
        self,
        read: impl FnOnce(&RequestInput<'_>) -> Result<O> + Send,
    ) -> Result<CallResponse>
    where
        O: Operation<Target: Target<Plane: PlaneAccess>, Reply = HsmBundle>,
    {
        let version = self.input().query.api_version().to_owned();
        let location = self
            .send(true, read, |endpoint, bundle| operation_result_url(endpoint, &bundle.hsm, &version))
            .await?;
        Ok(CallResponse::accepted(location))
    }
}

/// Returns the URL of the operation result of an HSM.
fn operation_result_url(endpoint: &Endpoint, hsm: &ManagedHsm, version: &str) -> String {
    let ManagedHsm { subscription, location, id, .. } = hsm;
    // The name of the location in a URL: without spaces and in lower case.
    let location: String = location.chars().filter(char::is_ascii_alphanumeric).collect();
    format!(
        "{}/subscriptions/{subscription}/providers/Microsoft.KeyVault/locations/{}/managedHsmOperationResults/{id}?api-version={version}",
        endpoint.base,
        location.to_ascii_lowercase()
    )
}
