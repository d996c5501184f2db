//! The worker threads of a token in this process.

use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::mpsc;

use super::device::Device;
use super::executor::Executor;
use super::queue::Queue;
use crate::model::{Error, Result};

/// Starts a thread that runs the jobs of a queue until it is closed and empty. Dropping `alive` signals its end.
pub(super) fn start(
    name: &str,
    device: &Arc<Device>,
    jobs: Arc<Queue>,
    alive: mpsc::Sender<()>,
) -> Result<JoinHandle<()>> {
    let mut executor = Executor::new(device);
    let work = move || {
        while let Some(job) = jobs.take() {
            if !job.reply.is_closed() {
                let result = executor.run(&job.call, job.again);
                job.answer(result);
            }
        }
        drop(executor);
        drop(alive);
    };
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(|error| Error::internal_caused_by("cannot start a worker thread for the token", error))
}
