//! Accepts connections and answers the requests on them.

mod activity;
mod admission;
mod connection;
mod descriptors;
mod first_byte_timeout;
mod listen;

pub(super) use descriptors::descriptors_left;
pub(super) use listen::{Listeners, bind, serve};
