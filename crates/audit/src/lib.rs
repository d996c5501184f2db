//! The audit log: rendering of records, the files they are written to, and verification of those files.

mod aggregated;
mod export;
mod files;
mod http_status;
mod key;
mod render;
mod retention;
mod search;
mod sink;
mod space;
mod statement;
mod verify;

use strongroom_model as model;

pub use aggregated::{AggregatedCalls, render_aggregated_calls};
pub use export::{
    ExportPeriod, ExportReport, ExportedChain, ExportedLog, ExportedPosition, VerifiedChain, export,
    verify_export,
};
pub use http_status::http_status;
pub use key::{render_finding, render_key};
pub use render::render;
pub use retention::{ExpiredFiles, Retention, expired_files};
pub use search::{Found, FoundCaller, FoundRecord, InvalidPosition, Position, Search};
pub use sink::{LastRecord, Sink};
pub use space::free_bytes;
pub use statement::{Jwk, SignedStatement, Statement, StatementKind};
pub use verify::{Break, Report, VerifyOptions, first_record, verify, verify_with};
