//! The start of a worker process, and requests that wait for their response.
//!
//! Blocks the thread: a process starts within milliseconds, and loading a module and logging in block anyway.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::call::Call;
use crate::model::{Error, Result};
use crate::protocol::{Load, Request, Response, WipedBuffer};

/// How long a process may take to end after its socket was closed.
const END_TIMEOUT: Duration = Duration::from_secs(10);

/// The interval at which the end of a process is checked.
const END_INTERVAL: Duration = Duration::from_millis(2);

/// The program of worker processes: the command that calls [`crate::run_worker`].
#[derive(Clone, Debug)]
pub struct WorkerProgram {
    /// The path of the program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Environment variables of this process that it does not get, because they contain secrets.
    pub withheld: Vec<OsString>,
}

/// A worker process and its socket.
pub(crate) struct Connection {
    process: Process,
    stream: UnixStream,
    input: WipedBuffer,
    requests: u64,
}

/// A child process, killed when it is dropped before it has ended.
pub(crate) struct Process(Option<Child>);

impl Connection {
    /// Starts a process, which loads the module.
    ///
    /// # Errors
    /// `Internal` if it cannot be started; the error of the module if that cannot be loaded.
    pub(crate) fn start(
        program: &WorkerProgram,
        environment: &[(String, PathBuf)],
        load: Load,
        timeout: Duration,
    ) -> Result<Self> {
        let mut connection = Self::spawn(program, environment)
            .map_err(|error| Error::internal_caused_by("starting a worker process of the token", error))?;
        match connection.request(&Request::Load(load), timeout)? {
            Response::Done => Ok(connection),
            Response::Failed(error) => Err(error.into()),
            _ => Err(unexpected()),
        }
    }

    fn spawn(program: &WorkerProgram, environment: &[(String, PathBuf)]) -> io::Result<Self> {
        let (stream, theirs) = UnixStream::pair()?;
        let mut command = Command::new(&program.program);
        command.args(&program.arguments).stdin(Stdio::from(OwnedFd::from(theirs))).stdout(Stdio::null());
        // Signals of a terminal are for the service, which completes its requests first.
        command.process_group(0);
        for name in &program.withheld {
            command.env_remove(name);
        }
        for (name, value) in environment {
            command.env(name, value);
        }
        let process = Process(Some(command.spawn()?));
        Ok(Self { process, stream, input: WipedBuffer::default(), requests: 0 })
    }

    /// Sends a request and waits for its response. After a failure the process is in an unknown state: drop the connection.
    ///
    /// # Errors
    /// `TokenTimeout` if there is no response in time; `TokenUnavailable` if the process ended.
    pub(crate) fn request(&mut self, request: &Request<&Call>, timeout: Duration) -> Result<Response> {
        match self.exchange(request, timeout) {
            Ok(response) => Ok(response),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                Err(Error::TokenTimeout {
                    milliseconds: u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX),
                })
            }
            Err(error) => Err(ended(&self.process.explain(), &error)),
        }
    }

    fn exchange(&mut self, request: &Request<&Call>, timeout: Duration) -> io::Result<Response> {
        let deadline = Instant::now() + timeout;
        self.requests += 1;
        let mut output = WipedBuffer::default();
        output.push_frame(self.requests, request)?;
        self.stream.set_write_timeout(Some(timeout))?;
        self.stream.write_all(output.bytes())?;
        loop {
            if let Some((_, response)) = self.input.take_frame()? {
                return Ok(response);
            }
            let rest = deadline.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            self.stream.set_read_timeout(Some(rest))?;
            let stream = &mut self.stream;
            if self.input.fill(|space| io::Read::read(stream, space))? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Ends the process and waits for its end.
    pub(crate) fn close(mut self) {
        // Fails only if the process has ended.
        let _ = self.stream.shutdown(Shutdown::Write);
        self.process.wait();
    }

    /// The socket, without timeouts, and the process.
    ///
    /// # Errors
    /// If the socket cannot be configured.
    pub(crate) fn into_parts(self) -> io::Result<(UnixStream, Process)> {
        self.stream.set_read_timeout(None)?;
        self.stream.set_write_timeout(None)?;
        self.stream.set_nonblocking(true)?;
        Ok((self.stream, self.process))
    }
}

impl Process {
    /// The identifier of the process.
    pub(crate) fn id(&self) -> u32 {
        self.0.as_ref().map_or(0, Child::id)
    }

    /// Waits for the end of the process, whose socket is closed. Kills it if it does not end in time.
    pub(crate) fn wait(&mut self) {
        let deadline = Instant::now() + END_TIMEOUT;
        while let Some(child) = &mut self.0 {
            match child.try_wait() {
                Ok(None) if Instant::now() < deadline => pause(END_INTERVAL),
                Ok(None) => self.kill(),
                Ok(Some(_)) | Err(_) => self.0 = None,
            }
        }
    }

    /// Kills the process. It is safe at any moment: the next start repairs what SoftHSM leaves incomplete.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// How the process ended, for errors.
    fn explain(&mut self) -> String {
        let Some(child) = &mut self.0 else { return "it was killed".to_owned() };
        let deadline = Instant::now() + Duration::from_millis(100);
        loop {
            match child.try_wait() {
                Ok(Some(status)) => return status.to_string(),
                Ok(None) if Instant::now() < deadline => pause(END_INTERVAL),
                _ => return "it closed its socket".to_owned(),
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The error for a process that has ended.
fn ended(how: &str, error: &io::Error) -> Error {
    tracing::warn!(how, %error, "a worker process of the token ended");
    Error::TokenUnavailable { why: format!("its worker process ended: {how}") }
}

/// The error for a response of another kind than that of the request.
pub(crate) fn unexpected() -> Error {
    Error::internal("a worker process of the token sent the wrong kind of response")
}

#[expect(clippy::disallowed_methods, reason = "processes end in real time")]
fn pause(time: Duration) {
    std::thread::sleep(time);
}
