//! What the requests of the data plane have in common: the addressed container, key names and versions, pages.

use std::str::FromStr;

use super::super::azure::call;
use super::super::azure::route::AzureEndpoint;
use super::endpoint::Endpoint;
use crate::model::audit_entry::Meter;
use crate::model::container::ContainerId;
use crate::model::container_id::{ContainerKind, KeyId};
use crate::model::field::{InvalidValue, shorten};
use crate::model::name::{HsmName, VaultName};
use crate::model::{Error, Field, Result};
use crate::ops::{KeyPath, Operation, PageRequest};

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

    /// Returns the managed HSM that the request addresses.
    ///
    /// # Errors
    /// As [`Endpoint::hsm`].
    pub(super) fn hsm(&self) -> Result<HsmName> {
        self.endpoint.hsm()
    }

    /// Returns the vault that the request addresses.
    ///
    /// # Errors
    /// `RouteNotFound` if the host is that of a managed HSM; the error of the host if it is of no vault.
    pub(super) fn vault(&self) -> Result<VaultName> {
        self.container()?.vault().cloned().ok_or(Error::RouteNotFound)
    }

    /// Returns the container that the request addresses.
    pub(super) fn container(&self) -> Result<ContainerId> {
        self.endpoint.container.clone()
    }

    /// Returns the name of an object in the path of the request. Vaults have one message for all invalid names.
    // assumption: reported by users, not recorded.
    pub(super) fn object_name<T: FromStr<Err = InvalidValue>>(&self, argument: &str) -> Result<T> {
        let name = self.argument(argument);
        name.parse().map_err(|invalid: InvalidValue| match self.endpoint.kind {
            ContainerKind::Vault => {
                let why = format!("The request URI contains an invalid name: {}", shorten(name));
                Error::invalid(Field::Unnamed, why)
            }
            ContainerKind::ManagedHsm => invalid.into(),
        })
    }

    /// Returns the path of the key that the request names.
    pub(super) fn key(&self) -> Result<KeyPath> {
        Ok(KeyPath { container: self.container()?, name: self.object_name("key")? })
    }

    /// Returns the id of the key version that the request names, or of a key for its current version.
    pub(super) fn version(&self) -> Result<KeyId> {
        let KeyPath { container, name } = self.key()?;
        Ok(KeyId { container, name, version: self.arguments.get("version").map(str::parse).transpose()? })
    }
}

impl AzureEndpoint for Endpoint {
    /// assumption: it is not required where nothing is changed and no key is used: some clients omit it there.
    fn requires_version<O: Operation>() -> bool {
        O::CHANGES || O::METER == Meter::Cryptographic
    }
}
