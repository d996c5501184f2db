//! What concerns the process: its log, its core dumps, and the service manager that started it.

pub(super) mod core_dumps;
pub(super) mod log;
pub(super) mod service_manager;
