//! A simulator whose token is behind the module that injects faults.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use strongroom::token::{Profile, softhsm_path};
use tempfile::TempDir;

use crate::crash::count_objects;
use crate::support::Server;

/// How long the service may take to recover when a fault is over: longer than the delay before a worker is started again.
const RECOVERY: Duration = Duration::from_secs(20);

/// The time limits of the profile, in milliseconds: of uses of keys, and of calls that create or destroy objects.
pub(crate) const TIMEOUTS: (u64, u64) = (600, 2000);

/// The server, and the directory of the control file.
pub(crate) struct Rig {
    pub(crate) server: Server,
    directory: TempDir,
}

/// Where the calls to the token run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Isolation {
    Process,
    Threads,
}

pub(crate) const BOTH: [Isolation; 2] = [Isolation::Process, Isolation::Threads];

impl Rig {
    /// Starts a server with one worker, so that it is known which call is struck.
    pub(crate) fn start(isolation: Isolation) -> Self {
        Self::start_with(isolation, 1)
    }

    /// Starts a server with several worker processes.
    pub(crate) fn start_with(isolation: Isolation, processes: usize) -> Self {
        let directory = crate::directory::in_memory();
        let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(path("profile.toml"), profile(&directory)).unwrap();
        let behind = softhsm_path(None, &Profile::named("softhsm").unwrap()).unwrap();
        let isolation = match isolation {
            Isolation::Process => "process",
            Isolation::Threads => "threads",
        };
        let server = Server::start_with(
            &[],
            &[
                ("STRONGROOM_TOKEN__MODULE", faults_module().to_str().unwrap()),
                ("STRONGROOM_TOKEN__PROFILE", &path("profile.toml")),
                ("STRONGROOM_TOKEN__PROCESSES", &processes.to_string()),
                ("STRONGROOM_TOKEN__ISOLATION", isolation),
                ("STRONGROOM_FAULTS_MODULE", behind.to_str().unwrap()),
                ("STRONGROOM_FAULTS_CONTROL", &path("faults.toml")),
                ("STRONGROOM_FAULTS_LOG", &path("faults.log")),
            ],
        );
        Self { server, directory }
    }

    /// The path of a file in the directory that worker processes may write.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Replaces the control file.
    pub(crate) fn order(&self, rules: &str) {
        std::fs::write(self.path("faults.toml.new"), rules).unwrap();
        std::fs::rename(self.path("faults.toml.new"), self.path("faults.toml")).unwrap();
    }

    /// Ends all faults.
    pub(crate) fn calm(&self) {
        self.order("");
    }

    /// The lines of the module's log that contain a text.
    pub(crate) fn log_lines(&self, text: &str) -> Vec<String> {
        let log = std::fs::read_to_string(self.path("faults.log")).unwrap_or_default();
        log.lines().filter(|line| line.contains(text)).map(str::to_owned).collect()
    }

    /// The number of objects of keys in the tokens. Asserts that none is partial.
    pub(crate) fn objects(&self) -> usize {
        count_objects(&self.server).complete
    }

    /// Waits until the tokens have this number of objects.
    pub(crate) async fn assert_objects(&self, expected: usize, why: &str) {
        assert!(self.has_objects(expected).await, "{why}: {} objects, {expected} expected", self.objects());
    }

    /// Whether the tokens have this number of objects within the time of a recovery.
    pub(crate) async fn has_objects(&self, expected: usize) -> bool {
        let deadline = Instant::now() + RECOVERY;
        while self.objects() != expected {
            if Instant::now() > deadline {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        true
    }

    /// Has the service renew its tokens, as `strongroom token retry` does.
    pub(crate) fn renew(&self) {
        let process = i32::try_from(self.server.process_id()).ok().and_then(Pid::from_raw).unwrap();
        kill_process(process, Signal::USR1).unwrap();
    }
}

/// Waits until a condition is true.
pub(crate) async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + RECOVERY;
    while !condition().await {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The path of the module: Cargo builds it beside the tests.
pub(crate) fn faults_module() -> PathBuf {
    use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
    let name = format!("{DLL_PREFIX}strongroom_faults{DLL_SUFFIX}");
    std::env::current_exe().unwrap().parent().unwrap().join(name)
}

/// The profile of SoftHSM with short time limits, a code that means busy, no session copies, so that each use of a key is
/// the same calls, and the directory of the control file.
fn profile(directory: &TempDir) -> String {
    let text = std::fs::read_to_string("hsm-config/profiles/softhsm.toml").unwrap();
    let mut profile = toml::from_str::<toml::Table>(&text).unwrap();
    let number = |number: u64| toml::Value::Integer(number.try_into().unwrap());
    let writes = vec![toml::Value::String(directory.path().to_str().unwrap().to_owned())];
    profile.insert("writes".to_owned(), toml::Value::Array(writes));
    profile.insert("session_copies".to_owned(), number(0));
    profile.insert("call_ms".to_owned(), number(TIMEOUTS.0));
    profile.insert("slow_call_ms".to_owned(), number(TIMEOUTS.1));
    let busy = vec![toml::Value::String("CKR_TOKEN_RESOURCE_EXCEEDED".to_owned())];
    profile.insert("throttle".to_owned(), toml::Value::Array(busy));
    toml::to_string(&profile).unwrap()
}
