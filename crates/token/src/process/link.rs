//! The socket of a running worker process: sends frames without blocking, and receives them in a task.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::sync::Notify;

use super::connection::{Connection, Process};
use crate::call::Call;
use crate::protocol::{Request, Response, WipedBuffer};

/// The socket of a worker process.
pub(crate) struct Link {
    stream: UnixStream,
    outgoing: Mutex<WipedBuffer>,
    /// Signals that `outgoing` could not be sent completely.
    stalled: Notify,
    process: Mutex<Process>,
    /// The identifier of the process.
    pub(crate) id: u32,
}

impl Link {
    /// The link of a connection that waits for no response. Must be called in the context of a runtime.
    ///
    /// # Errors
    /// If the socket cannot be configured.
    pub(crate) fn new(connection: Connection) -> io::Result<Self> {
        let (stream, process) = connection.into_parts()?;
        Ok(Self {
            stream: UnixStream::from_std(stream)?,
            outgoing: Mutex::default(),
            stalled: Notify::new(),
            id: process.id(),
            process: Mutex::new(process),
        })
    }

    /// Adds a request to what [`Self::flush`] sends.
    ///
    /// # Errors
    /// If it cannot be encoded.
    pub(crate) fn push(&self, id: u64, request: &Request<&Call>) -> io::Result<()> {
        self.lock().push_frame(id, request)
    }

    /// Sends what can be sent without waiting; the receiving task sends the rest. Does not fail: the task notices a closed socket.
    pub(crate) fn flush(&self) {
        let mut outgoing = self.lock();
        while !outgoing.is_empty() {
            match self.stream.try_write(outgoing.bytes()) {
                Ok(count) => outgoing.remove(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.stalled.notify_one();
                    return;
                }
                Err(_) => return,
            }
        }
    }

    /// Waits for responses, and sends what [`Self::flush`] left. Returns an empty list when the process has closed the socket.
    ///
    /// # Errors
    /// If the socket fails, or a frame is malformed.
    pub(crate) async fn receive(&self, input: &mut WipedBuffer) -> io::Result<Vec<(u64, Response)>> {
        loop {
            let stalled = !self.lock().is_empty();
            let interest = if stalled { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
            let ready = tokio::select! {
                ready = self.stream.ready(interest) => ready?,
                () = self.stalled.notified() => continue,
            };
            if ready.is_writable() {
                self.flush();
            }
            match input.fill(|space| self.stream.try_read(space)) {
                Ok(0) => return Ok(Vec::new()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error),
            }
            let mut responses = Vec::new();
            while let Some(response) = input.take_frame()? {
                responses.push(response);
            }
            if !responses.is_empty() {
                return Ok(responses);
            }
        }
    }

    /// Tells the process to end, by closing one direction of the socket.
    pub(crate) fn close(&self) {
        let _ = rustix::net::shutdown(&self.stream, rustix::net::Shutdown::Write);
    }

    /// Kills the process.
    pub(crate) fn kill(&self) {
        self.process.lock().unwrap_or_else(PoisonError::into_inner).kill();
    }

    /// Waits for the end of the process, which has closed the socket. Blocks the thread.
    pub(crate) fn wait(&self) {
        self.process.lock().unwrap_or_else(PoisonError::into_inner).wait();
    }

    fn lock(&self) -> MutexGuard<'_, WipedBuffer> {
        self.outgoing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
