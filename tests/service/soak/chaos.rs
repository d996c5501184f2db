//! Faults: of the module behind the workers, of the workers, and of the server.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rustix::process::{Signal, kill_process};
use tokio::sync::watch;

use super::report::Report;
use super::session::Session;
use crate::token_faults::Rig;
use crate::worker_processes::workers;

/// The rules of the faults module: what is struck, and what happens.
const FAULTS: [(&str, &str); 16] = [
    ("C_Sign", "return = \"CKR_DEVICE_ERROR\"\nprobability = 0.3\ntimes = 0"),
    ("C_SignInit", "return = \"CKR_SESSION_HANDLE_INVALID\"\nprobability = 0.3\ntimes = 0"),
    ("C_SignInit", "return = \"CKR_KEY_HANDLE_INVALID\"\nprobability = 0.3\ntimes = 0"),
    ("C_SignInit", "return = \"CKR_USER_NOT_LOGGED_IN\"\nprobability = 0.3\ntimes = 0"),
    ("C_GenerateKeyPair", "return = \"CKR_GENERAL_ERROR\"\nprobability = 0.5\ntimes = 0"),
    ("C_GenerateKeyPair", "return = \"CKR_DEVICE_ERROR\"\nafter = true\nprobability = 0.5\ntimes = 0"),
    ("C_GenerateKeyPair", "crash = \"KILL\"\nafter = true\nprobability = 0.5\ntimes = 0"),
    ("C_DestroyObject", "return = \"CKR_FUNCTION_FAILED\"\nafter = true\nprobability = 0.5\ntimes = 0"),
    ("C_DestroyObject", "crash = \"SEGV\"\nprobability = 0.3\ntimes = 0"),
    ("C_Sign", "crash = \"SEGV\"\nprobability = 0.02\ntimes = 0"),
    ("C_Sign", "hang = true\nprobability = 0.05\ntimes = 0"),
    ("*", "delay_ms = 20\nprobability = 0.2\ntimes = 0"),
    ("C_SignInit", "lose = \"sessions\"\nprobability = 0.1\ntimes = 0"),
    ("C_SignInit", "lose = \"login\"\nprobability = 0.1\ntimes = 0"),
    ("*", "return = \"CKR_HOST_MEMORY\"\nprobability = 0.02\ntimes = 0"),
    ("*", "return = \"CKR_DEVICE_REMOVED\"\nprobability = 0.02\ntimes = 0"),
];

/// When the server is restarted for the first time.
const FIRST_RESTART: Duration = Duration::from_secs(5);

/// What strikes the server, and measures its memory.
pub(super) struct Chaos {
    rig: Rig,
    sessions: watch::Sender<Arc<Session>>,
    report: Arc<Report>,
    rng: StdRng,
    started: Instant,
}

impl Chaos {
    pub(super) fn new(
        rig: Rig,
        sessions: watch::Sender<Arc<Session>>,
        report: Arc<Report>,
        rng: StdRng,
    ) -> Self {
        Self { rig, sessions, report, rng, started: Instant::now() }
    }

    /// Causes a random fault, and waits for a random time.
    pub(super) async fn strike(&mut self) {
        let has_restarted = self.sessions.borrow().number > 0;
        match self.rng.gen_range(0..100) {
            // A short run has a restart too.
            _ if !has_restarted && self.started.elapsed() > FIRST_RESTART => {
                let kill = self.rng.r#gen();
                self.restart(kill).await;
            }
            0..55 => self.fault_of_the_module().await,
            55..62 => self.absent_token().await,
            62..97 => self.kill_a_worker(),
            // Rare, so that the memory of one process can be judged.
            97 => self.restart(true).await,
            98 => self.restart(false).await,
            _ => {}
        }
        let pause = self.rng.gen_range(100..1500);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }

    async fn fault_of_the_module(&mut self) {
        let (function, what) = FAULTS.choose(&mut self.rng).unwrap();
        let seed: u32 = self.rng.r#gen();
        let needs_seed = what.contains("probability");
        let seed = if needs_seed { format!("seed = {seed}\n") } else { String::new() };
        self.rig.order(&format!("[[fault]]\nfunction = \"{function}\"\n{what}\n{seed}"));
        let kind = what.split([' ', '\n']).next().unwrap();
        self.report.fault(&format!("{kind} of {function}"));
        let pause = self.rng.gen_range(200..2000);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        self.rig.calm();
    }

    async fn absent_token(&mut self) {
        self.rig.order("[[fault]]\nlabel = \"local\"\ntoken = \"absent\"\n");
        self.report.fault("absent token");
        let pause = self.rng.gen_range(200..2000);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        self.rig.calm();
    }

    fn kill_a_worker(&mut self) {
        let running = workers(&self.rig.server);
        let Some(worker) = running.choose(&mut self.rng) else { return };
        let signal = *[Signal::KILL, Signal::SEGV, Signal::ABORT].choose(&mut self.rng).unwrap();
        // It may have ended by itself.
        if kill_process(*worker, signal).is_ok() {
            self.report.fault("kill of a worker");
        }
    }

    /// Ends the server, with SIGKILL or SIGTERM, and starts it again.
    async fn restart(&mut self, kill: bool) {
        self.rig.calm();
        if kill {
            self.rig.server.kill();
            self.report.fault("kill of the server");
        } else {
            // It may have to kill itself, while a call hangs.
            self.rig.server.stop();
            self.report.fault("restart of the server");
        }
        self.rig.server.start_again();
        let number = self.sessions.borrow().number + 1;
        self.sessions.send_replace(Arc::new(Session::open(&self.rig.server, number).await));
    }

    /// Records the memory of the server.
    pub(super) fn sample_memory(&self) {
        let number = self.sessions.borrow().number;
        self.report.memory(self.started.elapsed(), number, self.rig.server.memory());
    }

    /// Ends all faults, and waits until the service is healthy.
    pub(super) async fn calm(&mut self) {
        self.rig.calm();
        let session = Arc::clone(&self.sessions.borrow());
        let started = Instant::now();
        let healthy = async || {
            let request = strongroom::api::grpc::pb::GenerateRandomBytesRequest {
                parent: "hsms/local".to_owned(),
                count: 8,
            };
            session.grpc.clone().crypto.generate_random_bytes(request).await.is_ok()
        };
        let mut in_a_row = 0;
        while in_a_row < 20 {
            assert!(
                started.elapsed() < Duration::from_secs(60),
                "the service does not recover:\n{}",
                self.log_tail()
            );
            in_a_row = if healthy().await { in_a_row + 1 } else { 0 };
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The end of the server's log.
    pub(super) fn log_tail(&self) -> String {
        let log = self.rig.server.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(200)..].join("\n")
    }

    pub(super) fn into_rig(self) -> Rig {
        self.rig
    }
}
