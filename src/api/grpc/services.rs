//! Implements the services of `strongroom.v1`, with code that the build script generates from the protocol.
//!
//! An rpc runs the operation of the same name (`ops::by_name`). Streams, and the rpcs that `HANDLED` in `build.rs` lists,
//! are functions of [`handlers`]. An operation or a function that is missing is an error of the compiler.

use futures_util::stream::BoxStream;
use tonic::codec::CompressionEncoding;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

use super::{Services, limited, pb};
use crate::ops::by_name as operations;

/// The rpcs that are more than one call of one operation.
mod handlers {
    pub(super) use super::super::audit::watch_audit_records;
    pub(super) use super::super::backup::{watch_backup_job, watch_restore_job};
    pub(super) use super::super::clock::advance_clock;
    pub(super) use super::super::lifecycle::watch_lifecycle;
    pub(super) use super::super::pipeline::pipeline;
}

/// The responses of a stream.
pub(super) type Stream<R> = BoxStream<'static, Result<R, Status>>;

include!(concat!(env!("OUT_DIR"), "/services.rs"));
