//! Shared by the two Azure surfaces: the data plane and Azure Resource Manager.

pub(in crate::api) mod arguments;
pub(in crate::api) mod assignment;
pub(in crate::api) mod binary;
pub(in crate::api) mod body;
pub(in crate::api) mod call;
pub(in crate::api) mod error;
pub(in crate::api) mod filter;
pub(in crate::api) mod host_names;
pub(in crate::api) mod path;
pub(in crate::api) mod query;
pub(in crate::api) mod response;
pub(in crate::api) mod route;
pub(in crate::api) mod sent_value;
pub(in crate::api) mod surface;
pub(in crate::api) mod tags;
pub(in crate::api) mod unsupported;

pub use host_names::{HostNames, TokenAuthorities};
pub use response::retry_after_seconds;
pub use route::RouteLine;
