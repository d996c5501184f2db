//! Accepts connections and answers the requests on them.

mod activity;
mod admission;
mod connection;
mod descriptors;
mod first_byte_timeout;
mod listen;
mod refusals;

pub(super) use descriptors::descriptors_left;
pub(super) use listen::{ConnectionStatus, Listeners, bind, serve};
