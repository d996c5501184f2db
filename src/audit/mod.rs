//! The audit log: rendering of records, the files they are written to, and verification of those files.

mod files;
mod http_status;
mod key;
mod render;
mod retention;
mod sink;
mod space;
mod statement;
mod unrecorded;
mod verify;

pub use http_status::http_status;
pub use key::{render_finding, render_key};
pub use render::render;
pub use retention::{Doomed, Retention, doomed};
pub use sink::{Last, Sink};
pub use space::free_bytes;
pub use statement::{Jwk, Says, Signed, Statement};
pub use unrecorded::{Unrecorded, render_unrecorded};
pub use verify::{Break, Expected, Report, verify, verify_with};
