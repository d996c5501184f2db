//! The counted calls, and their limits: 1.3 times what was measured with Rust 1.95 in a debug build on x86-64 Linux.
//!
//! These were, per call: 303,000 instructions in the engine, 561,000 over gRPC, 835,000 over REST, and 124,000 for an audit entry,
//! with differences of up to 3 % between runs. A change that reduces them lowers the limits.

#![expect(unreachable_pub, reason = "the macros of the framework declare public functions")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use gungraun::{Callgrind, EventKind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group};
use strongroom::audit;
use strongroom::clock::Clock;
use strongroom::model::audit_entry::{AuditCaller, AuditEntry, Meter, Origin};
use strongroom::model::container::Container;
use strongroom::model::name::PrincipalId;
use uuid::Uuid;

use crate::contents;
use crate::service::Service;

/// The number of calls that are counted together: the thread is woken a different number of times in each.
const CALLS: u64 = 50;

/// Limits the instructions per call.
fn at_most(instructions: u64) -> LibraryBenchmarkConfig {
    let mut config = LibraryBenchmarkConfig::default();
    config
        .tool(Callgrind::with_args(["--cache-sim=no"]).hard_limits([(EventKind::Ir, CALLS * instructions)]));
    config
}

/// Opens the service. The benchmark fails if that fails.
fn open() -> Service {
    match Service::open() {
        Ok(service) => service,
        Err(error) => fail(&error),
    }
}

fn close(service: Service) {
    if let Err(error) = service.close() {
        fail(&error);
    }
}

fn fail(error: &anyhow::Error) -> ! {
    panic!("{error:#}");
}

/// Makes the calls, and returns the service, which is closed after the count.
fn repeat(service: Service, call: impl Fn(&Service) -> anyhow::Result<()>) -> Service {
    for _ in 0..CALLS {
        if let Err(error) = call(&service) {
            fail(&error);
        }
    }
    service
}

#[library_benchmark(config = at_most(394_000))]
#[bench::es256(args = (open()), teardown = close)]
fn engine_sign(service: Service) -> Service {
    repeat(service, Service::sign_with_engine)
}

#[library_benchmark(config = at_most(730_000))]
#[bench::es256(args = (open()), teardown = close)]
fn grpc_sign(service: Service) -> Service {
    repeat(service, Service::sign_over_grpc)
}

#[library_benchmark(config = at_most(1_085_000))]
#[bench::es256(args = (open()), teardown = close)]
fn rest_sign(service: Service) -> Service {
    repeat(service, Service::sign_over_rest)
}

/// The audit entry of a signature, and the HSM that it names.
fn entry() -> (AuditEntry, Container) {
    let hsm = match contents::hsm("serial".to_owned(), Clock::System.now()) {
        Ok(hsm) => Arc::new(hsm),
        Err(error) => fail(&error),
    };
    let origin = Origin {
        client_info: "azsdk-python-keyvault-keys/4.10.0 Python/3.12".to_owned(),
        correlation_id: Uuid::from_u128(7),
        request_uri: "/keys/ec/0123456789abcdef0123456789abcdef/sign".to_owned(),
        operation_version: "7.6".into(),
        ..Origin::default()
    };
    let caller = AuditCaller { principal: PrincipalId(Uuid::from_u128(9)), application: None, user: None };
    let entry = AuditEntry {
        at: Clock::System.now(),
        event: "KeySign",
        meter: Meter::Cryptographic,
        container: Some((&hsm.name).into()),
        target: "hsms/bench/keys/ec".to_owned(),
        caller: Some(caller),
        origin,
        result: Ok(()),
        status: 200,
        duration: Duration::from_micros(700),
        items: None,
    };
    (entry, Container::ManagedHsm(hsm))
}

#[library_benchmark(config = at_most(161_000))]
#[bench::of_a_signature(entry())]
fn audit_entry((entry, container): (AuditEntry, Container)) {
    for _ in 0..CALLS {
        black_box(audit::render(black_box(&entry), Some(&container)));
    }
}

library_benchmark_group!(name = signatures, benchmarks = [engine_sign, grpc_sign, rest_sign, audit_entry]);
