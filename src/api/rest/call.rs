//! Dispatches a data-plane request: parses the operation of its route, runs it, and converts the reply.

use http::StatusCode;
use serde::Serialize;

use super::super::azure::call;
use super::super::azure::filter::Filter;
use super::endpoint::Endpoint;
use super::response::CallResponse;
use super::route::{KeyVersionRef, Route};
use super::wire::{access, crypto, keys, rotation, settings};
use crate::engine::PlaneAccess;
use crate::model::audit_entry::Meter;
use crate::model::name::{HsmName, KeyId};
use crate::model::{Error, Field, Result};
use crate::ops::{KeyPath, Operation, PageRequest, Target};

/// The contents of a data-plane request.
pub(super) type RequestInput<'a> = call::RequestInput<'a, Endpoint>;
/// A received data-plane request.
pub(super) type Call<'a> = call::Call<'a, Endpoint>;

/// The default and the largest page size.
const MAX_PAGE_SIZE: usize = 25;

impl RequestInput<'_> {
    /// Returns the requested page of a list.
    pub(super) fn page(&self) -> Result<PageRequest> {
        self.query.page(Field::MaxResults, MAX_PAGE_SIZE)
    }

    /// Returns the HSM that the request addresses.
    pub(super) fn hsm(&self) -> Result<HsmName> {
        self.endpoint.hsm.clone()
    }

    /// Returns the path of a key of the addressed HSM.
    pub(super) fn key(&self, name: &str) -> Result<KeyPath> {
        Ok(KeyPath { hsm: self.hsm()?, name: name.parse()? })
    }

    /// Returns the id of a key version, or of a key for its current version.
    pub(super) fn version(&self, KeyVersionRef { key, version }: KeyVersionRef<'_>) -> Result<KeyId> {
        let KeyPath { hsm, name } = self.key(key)?;
        Ok(KeyId { hsm, name, version: version.map(str::parse).transpose()? })
    }
}

impl Call<'_> {
    /// Runs the operation of a route.
    ///
    /// # Errors
    /// The error to return to the client.
    pub(super) async fn dispatch(self, route: Route<'_>) -> Result<CallResponse> {
        let ok = StatusCode::OK;
        match route {
            Route::ListKeys => self.run(ok, keys::list, keys::listed).await,
            Route::CreateKey(name) => self.run(ok, |input| keys::create(input, name), keys::bundle).await,
            Route::ImportKey(name) => self.run(ok, |input| keys::import(input, name), keys::bundle).await,
            Route::GetKey(key) => self.run(ok, |input| keys::get(input, key), keys::bundle).await,
            Route::UpdateKey(key) => self.run(ok, |input| keys::update(input, key), keys::bundle).await,
            Route::DeleteKey(name) => {
                self.run(ok, |input| keys::delete(input, name), keys::deleted_bundle).await
            }
            Route::ListVersions(name) => {
                self.run(ok, |input| keys::list_versions(input, name), keys::listed_versions).await
            }
            Route::RotateKey(name) => self.run(ok, |input| rotation::rotate(input, name), keys::bundle).await,
            Route::GetRotationPolicy(name) => {
                self.run(ok, |input| rotation::get(input, name), rotation::policy).await
            }
            Route::PutRotationPolicy(name) => {
                self.run(ok, |input| rotation::put(input, name), rotation::policy).await
            }
            Route::ListDeletedKeys => self.run(ok, keys::list_deleted, keys::listed_deleted).await,
            Route::GetDeletedKey(name) => {
                self.run(ok, |input| keys::get_deleted(input, name), keys::deleted_bundle).await
            }
            Route::RecoverDeletedKey(name) => {
                self.run(ok, |input| keys::recover(input, name), keys::bundle).await
            }
            Route::PurgeDeletedKey(name) => {
                self.run(ok, |input| keys::purge(input, name), |_, ()| ()).await?;
                Ok(CallResponse::empty())
            }
            Route::Sign(key) => {
                let signed = self.run(ok, |input| crypto::sign(input, key), crypto::outcome).await;
                signed.map_err(crypto::error_as_value(Field::Digest))
            }
            Route::Verify(key) => self.run(ok, |input| crypto::verify(input, key), crypto::verified).await,
            Route::Encrypt(key) => self.run(ok, |input| crypto::encrypt(input, key), crypto::encrypted).await,
            Route::Decrypt(key) => self.run(ok, |input| crypto::decrypt(input, key), crypto::revealed).await,
            Route::WrapKey(key) => {
                let wrapped = self.run(ok, |input| crypto::wrap(input, key), crypto::outcome).await;
                wrapped.map_err(crypto::error_as_value(Field::Key))
            }
            Route::UnwrapKey(key) => self.run(ok, |input| crypto::unwrap(input, key), crypto::revealed).await,
            Route::RandomBytes => self.run(ok, crypto::random, crypto::random_bytes).await,
            Route::ListRoleDefinitions => {
                let filter = Filter::of_definitions(self.input().query.filter());
                let wanted = filter.clone();
                let read = |input: &RequestInput<'_>| wanted.and_then(|_| access::list_definitions(input));
                let show = |_: &Endpoint, of| access::definitions(&of, &filter.unwrap_or_default());
                self.run(ok, read, show).await
            }
            Route::GetRoleDefinition(at, id) => {
                self.run(ok, |input| access::get_definition(input, at, id), access::definition).await
            }
            Route::PutRoleDefinition(at, id) => {
                let created = StatusCode::CREATED;
                self.run(created, |input| access::put_definition(input, at, id), access::definition).await
            }
            Route::DeleteRoleDefinition(at, id) => {
                self.run(ok, |input| access::delete_definition(input, at, id), access::definition).await
            }
            Route::ListRoleAssignments(at) => {
                self.run(ok, |input| access::list_assignments(input, at), access::assignments).await
            }
            Route::GetRoleAssignment(at, id) => {
                self.run(ok, |input| access::get_assignment(input, at, id), access::assignment).await
            }
            Route::CreateRoleAssignment(at, id) => {
                let created = StatusCode::CREATED;
                self.run(created, |input| access::create_assignment(input, at, id), access::assignment).await
            }
            Route::DeleteRoleAssignment(at, id) => {
                self.run(ok, |input| access::delete_assignment(input, at, id), access::assignment).await
            }
            Route::ListSettings => self.run(ok, settings::list, settings::listed).await,
            Route::GetSetting(name) => {
                self.run(ok, |input| settings::get(input, name), settings::setting).await
            }
            Route::UpdateSetting(name) => {
                self.run(ok, |input| settings::update(input, name), settings::setting).await
            }
            Route::MalformedScope => Err(self.refuse(access::malformed_scope()).await),
            Route::Unsupported(unbuilt) => Err(self.refuse(unbuilt.into()).await),
            Route::Unknown => Err(self.refuse(Error::RouteNotFound).await),
        }
    }

    /// Runs one operation. `read` parses it once the caller is authenticated, `show` converts the reply.
    async fn run<O, S>(
        self,
        status: StatusCode,
        read: impl FnOnce(&RequestInput<'_>) -> Result<O> + Send,
        show: impl FnOnce(&Endpoint, O::Reply) -> S + Send,
    ) -> Result<CallResponse>
    where
        O: Operation<Target: Target<Plane: PlaneAccess>>,
        S: Serialize,
    {
        let reply = self.send::<O, S>(O::CHANGES || O::METER == Meter::Cryptographic, read, show).await?;
        CallResponse::json(status, &reply)
    }
}
