//! Tests the engine with test operations: ones that panic, and due work.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::SignedDuration;
use strongroom::clock::{Clock, ClockSource};
use strongroom::config;
use strongroom::engine::{AuditFiles, AuditLog, Engine, EngineParts};
use strongroom::identity::{CertificateRule, Credential, Identity, Settings};
use strongroom::model::audit_entry::{Meter, Origin};
use strongroom::model::billing::Pricing;
use strongroom::model::container_setting::KeyPolicies;
use strongroom::model::time_guard::{ClockReading, ClockStatus, TrustLimits};
use strongroom::model::{Error, Result, Timestamp};
use strongroom::ops::clock::ServiceClock;
use strongroom::ops::{AttachedTokens, ClockCx, Done, Operation, RolelessAction};
use strongroom::storage::Policy;
use strongroom::store::{Options, Store};
use strongroom::token::{TokenPool, TokenSource};

use crate::fixture::{Bench, pin, so_pin};

/// A machine clock that the test sets.
struct FakeMachine(Mutex<ClockReading>);

impl ClockSource for FakeMachine {
    fn read(&self) -> ClockReading {
        *self.0.lock().unwrap()
    }
}

impl FakeMachine {
    fn new() -> Arc<Self> {
        let wall = Timestamp::from_second(1_800_000_000).unwrap();
        Arc::new(Self(Mutex::new(ClockReading { wall, monotonic: Duration::ZERO })))
    }

    fn advance_wall_clock(&self, days: i64) {
        let mut reading = self.0.lock().unwrap();
        reading.wall += SignedDuration::from_hours(24 * days);
    }
}

/// An engine, the directory of its audit records, and a client certificate of a configured principal.
pub(crate) struct Rig {
    pub(crate) engine: Engine,
    pub(crate) store: Store,
    pub(crate) tokens: AttachedTokens,
    pub(crate) bench: Bench,
    audit: PathBuf,
    certificate: Vec<u8>,
}

impl Rig {
    pub(crate) async fn new(clock: Clock) -> Self {
        Self::on(Bench::new(), clock).await
    }

    /// Creates an engine for tokens of this module.
    pub(crate) async fn on(bench: Bench, clock: Clock) -> Self {
        let audit = bench.data_dir.path().join("audit");
        let files = AuditFiles::open(&audit, u64::MAX).unwrap();
        let path = bench.data_dir.path().join("strongroom.db");
        let options = Options { clock: clock.clone(), ..Options::default() };
        let store = Store::open(&path, Vec::new(), options, Box::new(files)).await.unwrap();
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(rcgen::DnType::CommonName, "tester");
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().der().to_vec();
        let rule: CertificateRule = toml::from_str(
            "subject = \"CN=tester\"\nprincipal = \"0c6a1a3e-8d5a-4d0c-9d76-3f7a1a2b0003\"\n\
             tenant = \"0c6a1a3e-8d5a-4d0c-9d76-3f7a1a2b0001\"",
        )
        .unwrap();
        let settings = Settings { certificates: vec![rule], ..Settings::default() };
        let identity = Identity::new(settings).await.unwrap();
        let source = TokenSource::SoftHsm { pin: pin(), so_pin: so_pin() };
        let tokens = AttachedTokens::default();
        let engine = Engine::new(EngineParts {
            identity,
            store: store.clone(),
            clock,
            locations: config::locations().unwrap(),
            pricing: Pricing { prices: config::prices(None).unwrap(), plan: "managed-hsm".to_owned() },
            token_pool: TokenPool::new((*bench.module).clone(), source),
            tokens: tokens.clone(),
            key_policies: KeyPolicies::default(),
            storage: Policy::default(),
            clock_operators: Vec::new(),
            test_issuer: false,
            rate_limits: Default::default(),
            soft_delete_opt_out: false,
            audit_log: AuditLog::unsigned(audit.clone()),
        });
        Self { engine, store, tokens, bench, audit, certificate }
    }

    fn credential(&self) -> Result<Credential<'_>> {
        Ok(Credential::Certificate(&self.certificate))
    }

    /// Waits until there are at least `least` audit records of an event, and returns them.
    pub(crate) async fn records(&self, event: &str, least: usize) -> Vec<serde_json::Value> {
        let read = || {
            let files = std::fs::read_dir(&self.audit).unwrap();
            files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect::<String>()
        };
        for _ in 0..500 {
            let found: Vec<serde_json::Value> = read()
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .filter(|record: &serde_json::Value| record["operationName"] == event)
                .collect();
            if found.len() >= least {
                return found;
            }
            #[expect(
                clippy::disallowed_methods,
                reason = "calls that were cancelled are recorded in real time"
            )]
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("expected {least} records of {event}: {}", read());
    }
}

/// Declares operations that panic in `check` or `execute` on demand: a reading and a changing one.
macro_rules! panicking {
    ($($name:ident $event:literal $changes:literal,)+) => {
        $(#[derive(Clone)]
        struct $name {
            in_check: bool,
            in_execute: bool,
        }

        impl Operation for $name {
            const NAME: &'static str = $event;
            const EVENT: &'static str = $event;
            const ACTION: RolelessAction = RolelessAction::AnyCaller;
            const METER: Meter = Meter::Free;
            const CHANGES: bool = $changes;
            type Target = ServiceClock;
            type Reply = u32;

            fn target(&self) {}

            fn check(&self, _: &ServiceClock, _: Timestamp) -> Result<()> {
                assert!(!self.in_check, "in check");
                Ok(())
            }

            async fn execute(self, _: ServiceClock, _: &ClockCx) -> Result<Done<u32>> {
                tokio::task::yield_now().await;
                assert!(!self.in_execute, "in execute");
                Ok(Done::reply(7))
            }
        })+
    };
}

panicking! {
    Reads "Reads" false,
    Changes "Changes" true,
}

#[tokio::test]
async fn panic_in_a_call_is_an_audited_internal_error() {
    let rig = Rig::new(Clock::System).await;
    let origin = Origin::default;
    let engine = &rig.engine;
    let (reads, changes) = (
        |in_check, in_execute| Ok(Reads { in_check, in_execute }),
        |in_check, in_execute| Ok(Changes { in_check, in_execute }),
    );
    let show = |reply: u32| reply + 1;
    let mut failures = Vec::new();
    failures.push(engine.answer::<Reads, _>(rig.credential(), origin(), || panic!("in reading"), show).await);
    failures.push(engine.answer(rig.credential(), origin(), || reads(true, false), show).await);
    failures.push(engine.answer(rig.credential(), origin(), || reads(false, true), show).await);
    failures.push(engine.answer(rig.credential(), origin(), || changes(true, false), show).await);
    failures.push(engine.answer(rig.credential(), origin(), || changes(false, true), show).await);
    let texts = ["in reading", "in check", "in execute", "in check", "in execute"];
    for (failure, text) in failures.into_iter().zip(texts) {
        let Err(Error::Internal(why)) = failure else { panic!("{text}: {failure:?}") };
        assert!(why.to_string().ends_with(text), "{why}");
    }
    let due = engine.run_due(Changes { in_check: false, in_execute: true }).await;
    assert!(matches!(due, Err(Error::Internal(_))), "due work fails the same way");

    // The reply is converted after the call was audited, so this failure gets a record of its own.
    let failed_conversion = engine.answer(
        rig.credential(),
        origin(),
        || reads(false, false),
        |_| -> u32 { panic!("in showing") },
    );
    assert!(matches!(failed_conversion.await, Err(Error::Internal(_))));

    // The engine still works.
    assert_eq!(engine.answer(rig.credential(), origin(), || reads(false, false), show).await, Ok(8));
    assert_eq!(engine.answer(rig.credential(), origin(), || changes(false, false), show).await, Ok(8));

    let principal = "0c6a1a3e-8d5a-4d0c-9d76-3f7a1a2b0003";
    let is_internal = |record: &&serde_json::Value| record["resultSignature"] == "INTERNAL";
    let reads = rig.records("Reads", 6).await;
    assert_eq!((reads.len(), reads.iter().filter(is_internal).count()), (6, 4), "{reads:?}");
    let changes = rig.records("Changes", 4).await;
    assert_eq!((changes.len(), changes.iter().filter(is_internal).count()), (4, 3), "{changes:?}");
    let named = |record: &&serde_json::Value| record.to_string().contains(principal);
    assert_eq!(reads.iter().filter(named).count(), 6, "{reads:?}");
    assert!(reads.iter().chain(&changes).all(|record| record["resultSignature"] != "CANCELLED"));
}

/// Due work that destroys data.
#[derive(Clone)]
struct Expires;

impl Operation for Expires {
    const NAME: &'static str = "Expires";
    const EVENT: &'static str = "Expires";
    const ACTION: RolelessAction = RolelessAction::AnyCaller;
    const METER: Meter = Meter::Free;
    const CHANGES: bool = true;
    const DESTROYS_WHEN_DUE: bool = true;
    type Target = ServiceClock;
    type Reply = ();

    fn target(&self) {}

    async fn execute(self, _: ServiceClock, _: &ClockCx) -> Result<Done<()>> {
        Ok(Done::reply(()))
    }
}

#[tokio::test]
async fn due_destruction_is_refused_after_a_clock_jump() {
    let machine = FakeMachine::new();
    let clock = |machine: &Arc<FakeMachine>| {
        Clock::guarded(Arc::clone(machine) as Arc<dyn ClockSource>, TrustLimits::default())
    };
    let first = clock(&machine);
    let rig = Rig::new(first.clone()).await;
    let engine = &rig.engine;
    engine.run_due(Expires).await.unwrap();
    machine.advance_wall_clock(91);
    assert_eq!(engine.run_due(Expires).await, Err(Error::ClockNotTrusted { standing: "held" }));
    let other = engine.run_due(Changes { in_check: false, in_execute: false }).await;
    assert_eq!(other, Ok(7), "other work is not held");
    assert_eq!(rig.records("Expires", 2).await.len(), 2, "the rejected call is audited");

    // The time guard's state is committed with those records, so the clock is not trusted after a crash, either.
    let path = rig.bench.data_dir.path().join("strongroom.db");
    let after_a_crash = clock(&machine);
    let copy = tempfile::tempdir().unwrap();
    let (database, audit) = (copy.path().join("strongroom.db"), copy.path().join("audit"));
    for suffix in ["", "-wal"] {
        let from = format!("{}{suffix}", path.display());
        if std::path::Path::new(&from).exists() {
            std::fs::copy(&from, format!("{}{suffix}", database.display())).unwrap();
        }
    }
    std::fs::create_dir(&audit).unwrap();
    for file in std::fs::read_dir(&rig.audit).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), audit.join(file.file_name())).unwrap();
    }
    let options = Options { clock: after_a_crash.clone(), ..Options::default() };
    let files = AuditFiles::open(&audit, u64::MAX).unwrap();
    let store = Store::open(&database, Vec::new(), options, Box::new(files)).await.unwrap();
    assert!(matches!(after_a_crash.status(), ClockStatus::Held { .. }), "{:?}", after_a_crash.status());
    store.close().await;

    machine.advance_wall_clock(-91);
    engine.run_due(Expires).await.unwrap();
    machine.advance_wall_clock(-1);
    assert_eq!(engine.run_due(Expires).await, Err(Error::ClockNotTrusted { standing: "behind" }));
    first.release();
    engine.run_due(Expires).await.unwrap();
}
