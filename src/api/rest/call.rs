//! One call: the route becomes an operation, the engine runs it, the reply becomes an answer.

use http::StatusCode;
use serde::Serialize;

use super::super::azure::call;
use super::super::azure::filter::Filter;
use super::answer::Answer;
use super::route::{Route, VersionOf};
use super::site::Site;
use super::wire::{access, crypto, keys, rotation, settings};
use crate::engine::Gate;
use crate::model::entry::Meter;
use crate::model::name::{HsmName, KeyId};
use crate::model::{Error, Result};
use crate::ops::{KeyPath, Operation, PageRequest, Target};

/// What is asked of a data plane.
pub(super) type Asked<'a> = call::Asked<'a, Site>;
/// A request for a data plane.
pub(super) type Call<'a> = call::Call<'a, Site>;

/// Items of a page, unless the request says less; it cannot say more.
const PAGE: usize = 25;

impl Asked<'_> {
    /// Which page of a list is wanted.
    pub(super) fn page(&self) -> Result<PageRequest> {
        self.query.page("maxresults", PAGE)
    }

    /// The HSM that is asked.
    pub(super) fn hsm(&self) -> Result<HsmName> {
        self.site.hsm.clone()
    }

    /// A key of the HSM.
    pub(super) fn key(&self, name: &str) -> Result<KeyPath> {
        Ok(KeyPath { hsm: self.hsm()?, name: name.parse()? })
    }

    /// A version of a key, or its current one.
    pub(super) fn version(&self, VersionOf { key, version }: VersionOf<'_>) -> Result<KeyId> {
        let KeyPath { hsm, name } = self.key(key)?;
        Ok(KeyId { hsm, name, version: version.map(str::parse).transpose()? })
    }
}

impl Call<'_> {
    /// Answers what the route asks for.
    ///
    /// # Errors
    /// What the caller must be told.
    pub(super) async fn answer(self, route: Route<'_>) -> Result<Answer> {
        let ok = StatusCode::OK;
        match route {
            Route::ListKeys => self.run(ok, keys::list, keys::listed).await,
            Route::CreateKey(name) => self.run(ok, |asked| keys::create(asked, name), keys::bundle).await,
            Route::ImportKey(name) => self.run(ok, |asked| keys::import(asked, name), keys::bundle).await,
            Route::GetKey(key) => self.run(ok, |asked| keys::get(asked, key), keys::bundle).await,
            Route::UpdateKey(key) => self.run(ok, |asked| keys::update(asked, key), keys::bundle).await,
            Route::DeleteKey(name) => {
                self.run(ok, |asked| keys::delete(asked, name), keys::deleted_bundle).await
            }
            Route::ListVersions(name) => {
                self.run(ok, |asked| keys::list_versions(asked, name), keys::listed_versions).await
            }
            Route::RotateKey(name) => self.run(ok, |asked| rotation::rotate(asked, name), keys::bundle).await,
            Route::GetRotationPolicy(name) => {
                self.run(ok, |asked| rotation::get(asked, name), rotation::policy).await
            }
            Route::PutRotationPolicy(name) => {
                self.run(ok, |asked| rotation::put(asked, name), rotation::policy).await
            }
            Route::ListDeletedKeys => self.run(ok, keys::list_deleted, keys::listed_deleted).await,
            Route::GetDeletedKey(name) => {
                self.run(ok, |asked| keys::get_deleted(asked, name), keys::deleted_bundle).await
            }
            Route::RecoverDeletedKey(name) => {
                self.run(ok, |asked| keys::recover(asked, name), keys::bundle).await
            }
            Route::PurgeDeletedKey(name) => {
                self.run(ok, |asked| keys::purge(asked, name), |_, ()| ()).await?;
                Ok(Answer::empty())
            }
            Route::Sign(key) => {
                let signed = self.run(ok, |asked| crypto::sign(asked, key), crypto::outcome).await;
                signed.map_err(crypto::as_value("digest"))
            }
            Route::Verify(key) => self.run(ok, |asked| crypto::verify(asked, key), crypto::verified).await,
            Route::Encrypt(key) => self.run(ok, |asked| crypto::encrypt(asked, key), crypto::encrypted).await,
            Route::Decrypt(key) => self.run(ok, |asked| crypto::decrypt(asked, key), crypto::revealed).await,
            Route::WrapKey(key) => {
                let wrapped = self.run(ok, |asked| crypto::wrap(asked, key), crypto::outcome).await;
                wrapped.map_err(crypto::as_value("key"))
            }
            Route::UnwrapKey(key) => self.run(ok, |asked| crypto::unwrap(asked, key), crypto::revealed).await,
            Route::RandomBytes => self.run(ok, crypto::random, crypto::random_bytes).await,
            Route::ListRoleDefinitions => {
                let filter = Filter::of_definitions(self.asked().query.filter());
                let wanted = filter.clone();
                let read = |asked: &Asked<'_>| wanted.and_then(|_| access::list_definitions(asked));
                let show = |_: &Site, of| access::definitions(&of, &filter.unwrap_or_default());
                self.run(ok, read, show).await
            }
            Route::GetRoleDefinition(at, id) => {
                self.run(ok, |asked| access::get_definition(asked, at, id), access::definition).await
            }
            Route::PutRoleDefinition(at, id) => {
                let created = StatusCode::CREATED;
                self.run(created, |asked| access::put_definition(asked, at, id), access::definition).await
            }
            Route::DeleteRoleDefinition(at, id) => {
                self.run(ok, |asked| access::delete_definition(asked, at, id), access::definition).await
            }
            Route::ListRoleAssignments(at) => {
                self.run(ok, |asked| access::list_assignments(asked, at), access::assignments).await
            }
            Route::GetRoleAssignment(at, id) => {
                self.run(ok, |asked| access::get_assignment(asked, at, id), access::assignment).await
            }
            Route::CreateRoleAssignment(at, id) => {
                let created = StatusCode::CREATED;
                self.run(created, |asked| access::create_assignment(asked, at, id), access::assignment).await
            }
            Route::DeleteRoleAssignment(at, id) => {
                self.run(ok, |asked| access::delete_assignment(asked, at, id), access::assignment).await
            }
            Route::ListSettings => self.run(ok, settings::list, settings::listed).await,
            Route::GetSetting(name) => {
                self.run(ok, |asked| settings::get(asked, name), settings::setting).await
            }
            Route::UpdateSetting(name) => {
                self.run(ok, |asked| settings::update(asked, name), settings::setting).await
            }
            Route::MalformedScope => Err(self.refuse(access::malformed_scope()).await),
            Route::NotYet(unbuilt) => Err(self.refuse(unbuilt.into()).await),
            Route::Unknown => Err(self.refuse(Error::RouteNotFound).await),
        }
    }

    /// Sends one request through the engine. It is read once its sender is known.
    async fn run<O, S>(
        self,
        status: StatusCode,
        read: impl FnOnce(&Asked<'_>) -> Result<O> + Send,
        show: impl FnOnce(&Site, O::Reply) -> S + Send,
    ) -> Result<Answer>
    where
        O: Operation<Target: Target<Plane: Gate>>,
        S: Serialize,
    {
        let reply = self.send::<O, S>(O::CHANGES || O::METER == Meter::Cryptographic, read, show).await?;
        Answer::json(status, &reply)
    }
}
