//! A worker process: loads the module, opens one token, and runs its calls until the service closes the socket.
//!
//! With one thread for uses of keys, the thread that reads requests runs them: a request then costs no hand-over in this
//! process. Calls that create or destroy objects have a thread of their own.

use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

use super::call::Call;
use super::confinement::Enforced;
use super::device::Device;
use super::error::Failure;
use super::executor::Executor;
use super::loaded_module::LoadedModule;
use super::local_module::LocalModule;
use super::protocol::{Load, Open, Request, Response, WipedBuffer};
use super::{Settings, confinement, examine};
use crate::model::{Error, Result};

/// The time for which a response waits for others, so that they are sent together.
const COLLECT: Duration = Duration::from_micros(100);

/// How long calls may take to end when the service has closed the socket, before the process ends anyway.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(120);

/// Runs a worker process of the service, whose socket is standard input. Returns when the service closes it.
///
/// # Errors
/// `Internal` if standard input is not the socket of a service, or a request is malformed.
pub fn run_worker() -> Result<()> {
    let socket = std::io::stdin().as_fd().try_clone_to_owned().map_err(not_started)?;
    let mut stream = UnixStream::from(socket);
    stream.peer_addr().map_err(not_started)?;
    let responses = Arc::new(Mutex::new(Responses {
        stream: stream.try_clone().map_err(Error::internal)?,
        buffer: WipedBuffer::default(),
        oldest: None,
    }));
    let mut worker =
        WorkerProcess { responses, module: None, token: None, enforced: Enforced::default(), _lock: None };
    let mut input = WipedBuffer::default();
    loop {
        while let Some((id, request)) = input.take_frame::<Request<Call>>().map_err(Error::internal)? {
            let more = input.first_frame().map_err(Error::internal)?.is_some();
            worker.handle(id, request, more).map_err(Error::internal)?;
        }
        match input.fill(|space| io::Read::read(&mut stream, space)) {
            Ok(0) => return worker.close(),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // The service has ended without reading all responses.
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return worker.close(),
            Err(error) => return Err(Error::internal(error)),
        }
    }
}

fn not_started(error: io::Error) -> Error {
    Error::internal_caused_by("this command is started by the service only", error)
}

struct WorkerProcess {
    responses: Arc<Mutex<Responses>>,
    module: Option<LocalModule>,
    token: Option<OpenToken>,
    enforced: Enforced,
    /// Locked as long as the process lives.
    _lock: Option<std::fs::File>,
}

/// The open token and the threads that use it.
struct OpenToken {
    device: Arc<Device>,
    /// Runs calls on the thread that reads requests, if there is no other one.
    inline: Option<Executor>,
    fast: Option<Sender<Job>>,
    slow: Sender<Job>,
    threads: Vec<JoinHandle<()>>,
}

/// A call, its identifier, and whether an earlier attempt failed.
type Job = (u64, bool, Call);

impl WorkerProcess {
    /// Handles a request. `more` means that another one has arrived already.
    fn handle(&mut self, id: u64, request: Request<Call>, more: bool) -> io::Result<()> {
        let response = match request {
            Request::Call { again, call } => match &mut self.token {
                Some(token) => match token.run(id, again, call) {
                    Some(response) => return lock(&self.responses).add(id, &response, more),
                    // Another thread responds.
                    None => return lock(&self.responses).flush(),
                },
                None => Err(Error::internal("no token is open")),
            },
            Request::Forget(objects) => match &self.token {
                Some(token) => {
                    for object in objects {
                        token.device.handles.remove(object);
                        token.device.object_cache.remove(object);
                    }
                    Ok(Response::Done)
                }
                None => Err(Error::internal("no token is open")),
            },
            Request::LogIn(pin) => match &self.token {
                Some(token) => Ok(match token.device.log_in(pin) {
                    Ok(()) => Response::Done,
                    Err(failure) => not_opened(&token.device.loaded, failure),
                }),
                None => Err(Error::internal("no token is open")),
            },
            Request::Load(load) => self.load(load),
            other => self.use_module(other),
        };
        let response = response.unwrap_or_else(|error| Response::Failed(error.into()));
        lock(&self.responses).add(id, &response, more)
    }

    fn load(&mut self, load: Load) -> Result<Response> {
        let Load { module, profile, confinement, lock } = load;
        if let Some(path) = &lock {
            let file = std::fs::File::open(path).map_err(Error::internal)?;
            rustix::fs::flock(&file, rustix::fs::FlockOperation::LockShared)
                .map_err(|error| Error::internal_caused_by("locking the directory of the token", error))?;
            self._lock = Some(file);
        }
        self.enforced = confinement::apply(&confinement)?;
        self.module = Some(LocalModule::load(&module, profile)?);
        Ok(Response::Done)
    }

    fn use_module(&mut self, request: Request<Call>) -> Result<Response> {
        let Some(module) = &self.module else { return Err(Error::internal("no module is loaded")) };
        Ok(match request {
            Request::Open(open) => {
                if self.token.is_some() {
                    return Err(Error::internal("a token is open"));
                }
                return self.open(&open);
            }
            Request::Describe => Response::Text(module.describe()?),
            Request::List => Response::Tokens(module.tokens()?),
            Request::Find(select) => Response::Token(module.find(&select)?),
            Request::Provision { label, so_pin, pin } => {
                Response::Token(module.provision(&label, &so_pin, &pin)?)
            }
            Request::Wipe { select, so_pin, label } => {
                module.wipe(&select, &so_pin, &label)?;
                Response::Done
            }
            Request::Examine { select, pin } => {
                let mut report = examine::examine(module, &select, &pin)?;
                report.enforced = Some(self.enforced);
                Response::Report(Box::new(report))
            }
            Request::Call { .. } | Request::Forget(_) | Request::LogIn(_) | Request::Load(_) => {
                return Err(Error::internal("the request does not concern the module"));
            }
        })
    }

    fn open(&mut self, open: &Open) -> Result<Response> {
        let Some(module) = &self.module else { return Err(Error::internal("no module is loaded")) };
        let settings = Settings { expect_sentinel: open.expect_sentinel, faults: None };
        let device = match module.open(&open.select, &open.pin, &settings, open.capabilities.clone()) {
            Ok(device) => device,
            Err(failure) => return Ok(not_opened(module.loaded(), failure)),
        };
        device.command_logins();
        let opened = Response::Opened {
            token: device.info.clone(),
            capabilities: device.capabilities.clone(),
            keys: device.handles.ids(),
        };
        self.token = Some(OpenToken::start(device, &self.responses)?);
        Ok(opened)
    }

    /// Ends the calls in progress, logs out and finalizes the module.
    fn close(self) -> Result<()> {
        kill_after(DRAIN_TIMEOUT);
        if let Some(OpenToken { device, inline, fast, slow, threads }) = self.token {
            drop((inline, fast, slow));
            for thread in threads {
                let _ = thread.join();
            }
            device.close();
        }
        self.module.map_or(Ok(()), LocalModule::finalize)
    }
}

impl OpenToken {
    /// Starts the threads of a token.
    fn start(device: Arc<Device>, responses: &Arc<Mutex<Responses>>) -> Result<Self> {
        let mut threads = Vec::new();
        let (slow, slow_jobs) = crossbeam_channel::unbounded();
        threads.push(start_thread("token-slow", &device, slow_jobs, responses)?);
        let count = device.loaded.profile.process_workers();
        let (inline, fast) = if count == 1 {
            (Some(Executor::new(&device)), None)
        } else {
            let (fast, jobs) = crossbeam_channel::unbounded();
            for _ in 0..count {
                threads.push(start_thread("token", &device, jobs.clone(), responses)?);
            }
            (None, Some(fast))
        };
        Ok(Self { device, inline, fast, slow, threads })
    }

    /// Runs a call, or gives it to another thread. Returns the response if it has run.
    fn run(&mut self, id: u64, again: bool, call: Call) -> Option<Response> {
        let queue = if call.is_slow() { Some(&self.slow) } else { self.fast.as_ref() };
        if let Some(queue) = queue {
            // Fails only if the threads have ended, and with them the process.
            let _ = queue.send((id, again, call));
            return None;
        }
        self.inline.as_mut().map(|executor| run(executor, again, &call))
    }
}

fn run(executor: &mut Executor, again: bool, call: &Call) -> Response {
    let result = executor.run(call, again);
    if executor.has_lost_login() {
        return Response::LoginLost;
    }
    match result {
        Ok(answer) => Response::Answer(answer),
        Err(error) => Response::Failed(error.into()),
    }
}

/// The response to a login that failed.
fn not_opened(loaded: &LoadedModule, failure: Failure) -> Response {
    let pin_rejected = failure.is_pin_rejection();
    Response::NotOpened { error: loaded.explain(failure).into(), pin_rejected }
}

fn start_thread(
    name: &str,
    device: &Arc<Device>,
    jobs: crossbeam_channel::Receiver<Job>,
    responses: &Arc<Mutex<Responses>>,
) -> Result<JoinHandle<()>> {
    let (mut executor, responses) = (Executor::new(device), Arc::clone(responses));
    let work = move || {
        for (id, again, call) in jobs {
            let response = run(&mut executor, again, &call);
            // Fails only if the service is gone.
            let _ = lock(&responses).add(id, &response, false);
        }
    };
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(|error| Error::internal_caused_by("cannot start a thread for the token", error))
}

/// Responses that are sent together.
struct Responses {
    stream: UnixStream,
    buffer: WipedBuffer,
    /// When the oldest of them was added.
    oldest: Option<Instant>,
}

impl Responses {
    /// Adds a response. Sends it, unless another one follows at once.
    fn add(&mut self, id: u64, response: &Response, more: bool) -> io::Result<()> {
        self.buffer.push_frame(id, response)?;
        let oldest = *self.oldest.get_or_insert_with(Instant::now);
        if more && oldest.elapsed() < COLLECT { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.oldest = None;
        self.stream.write_all(self.buffer.bytes())?;
        self.buffer.remove(usize::MAX);
        Ok(())
    }
}

fn lock(responses: &Mutex<Responses>) -> MutexGuard<'_, Responses> {
    responses.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Kills this process after `time`: a call may never return.
fn kill_after(time: Duration) {
    let _ = std::thread::Builder::new().name("end".to_owned()).spawn(move || {
        #[expect(clippy::disallowed_methods, reason = "calls end in real time")]
        std::thread::sleep(time);
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    });
}
