//! Asserts how much the service allocates for a signature, over gRPC and over REST.
//!
//! The whole simulator runs in this process, with its token in threads, and is called over TLS. The allocator counts the
//! allocations of all threads but the one of the client: those of the runtime of the service, of its ledger and of its token, which
//! includes SoftHSM's Rust caller and excludes SoftHSM itself, a C++ library with an allocator of its own. A reallocation counts as
//! an allocation of the additional bytes. Calls follow each other, so that none shares an audit group with another one. The service
//! also allocates for its periodic work, which is little in that time.

#![expect(clippy::unwrap_used, reason = "a test ends where it goes wrong")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustix::process::{Signal, getpid, kill_process};
use serde_json::{Value, json};
use strongroom::api::grpc::pb;
use strongroom::api::grpc::pb::crypto_service_client::CryptoServiceClient;
use strongroom::api::grpc::pb::key_service_client::KeyServiceClient;
use strongroom::config::{self, Config, Sources};
use strongroom::simulator;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Certificate, Channel, ClientTlsConfig};

#[path = "kit/directory.rs"]
mod directory;

/// The calls before the measured ones: key and caller are cached, buffers and tables have grown.
const WARM_UP: u64 = 100;

/// The measured calls.
const CALLS: u64 = 200;

/// The most that a call may allocate, on average.
struct Limit {
    allocations: u64,
    bytes: u64,
}

/// About one and a half times what was measured in a debug build on x86-64 Linux: 103 allocations of 54,417 bytes.
const GRPC: Limit = Limit { allocations: 155, bytes: 82_000 };

/// As [`GRPC`]: 116 allocations of 31,515 bytes were measured.
const REST: Limit = Limit { allocations: 175, bytes: 47_000 };

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// Whether this thread is the client's.
    static IS_CLIENT: Cell<bool> = const { Cell::new(false) };
}

/// The system's allocator, which counts.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count(bytes: usize) {
    // A thread that ends has no thread-locals any more, and is not the client's.
    if !IS_CLIENT.try_with(Cell::get).unwrap_or(false) {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

#[expect(unsafe_code, reason = "an allocator is unsafe to implement")]
// SAFETY: every call is passed to the system's allocator unchanged; counting does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller upholds the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller upholds the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size.saturating_sub(layout.size()));
        // SAFETY: the caller upholds the contract of `realloc`; the block is the system's.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller upholds the contract of `dealloc`; the block is the system's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[test]
fn signature_allocates_at_most_its_limit() {
    let directory = directory::in_memory();
    let config = configuration(directory.path());
    let (name, value) = simulator::environment(&config).unwrap();
    #[expect(unsafe_code, reason = "SoftHSM reads the environment when it is loaded")]
    // SAFETY: this test is alone in its process, and no other thread is started yet that reads the environment.
    unsafe {
        std::env::set_var(name, value);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let service = std::thread::spawn(move || runtime.block_on(simulator::serve(config)));
    IS_CLIENT.set(true);
    let client = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (grpc, rest) = client.block_on(measure(directory.path()));
    // Closes the connections, so that the service does not wait for them.
    drop(client);
    IS_CLIENT.set(false);
    kill_process(getpid(), Signal::TERM).unwrap();
    service.join().unwrap().unwrap();
    grpc.assert_within(&GRPC, "gRPC");
    rest.assert_within(&REST, "REST");
}

fn configuration(directory: &Path) -> Config {
    let flags = [
        ("mode", "simulator"),
        ("data_dir", directory.to_str().unwrap()),
        ("server.listen", "127.0.0.1:0"),
        ("simulator.managed_identity_listen", "127.0.0.1:0"),
        ("token.isolation", "threads"),
    ];
    let flags = flags.map(|(name, value)| (name, value.to_owned())).to_vec();
    config::load(&Sources { flags, ..Sources::default() }).unwrap()
}

/// What calls have allocated, on average.
struct Allocated {
    allocations: u64,
    bytes: u64,
}

impl Allocated {
    fn assert_within(&self, limit: &Limit, surface: &str) {
        let Self { allocations, bytes } = self;
        let text = format!(
            "a signature over {surface} makes {allocations} allocations of {bytes} bytes; at most {} of {} are allowed",
            limit.allocations, limit.bytes
        );
        assert!(*allocations <= limit.allocations && *bytes <= limit.bytes, "{text}");
        // What is not counted cannot exceed a limit.
        assert!(*allocations > 0 && *bytes > 0, "{text}");
    }
}

/// Counts the allocations of a call.
async fn count_calls(mut call: impl AsyncFnMut()) -> Allocated {
    for _ in 0..WARM_UP {
        call().await;
    }
    let before = (ALLOCATIONS.load(Ordering::SeqCst), BYTES.load(Ordering::SeqCst));
    for _ in 0..CALLS {
        call().await;
    }
    let after = (ALLOCATIONS.load(Ordering::SeqCst), BYTES.load(Ordering::SeqCst));
    Allocated { allocations: (after.0 - before.0) / CALLS, bytes: (after.1 - before.1) / CALLS }
}

/// Signs over both surfaces.
async fn measure(directory: &Path) -> (Allocated, Allocated) {
    let connection = connection(directory).await;
    let text = |name: &str| connection[name].as_str().unwrap();
    let (endpoint, pem) = (text("endpoint"), std::fs::read(text("ca_file")).unwrap());
    let address = endpoint.strip_prefix("https://").unwrap().parse().unwrap();
    let host = "local.managedhsm.localhost";
    let http = reqwest::Client::builder()
        .http1_only()
        .tls_certs_only([reqwest::Certificate::from_pem(&pem).unwrap()])
        .resolve(host, address)
        .resolve("login.localhost", address)
        .build()
        .unwrap();
    let bearer = format!("Bearer {}", access_token(&http, &connection).await);

    let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)).domain_name("localhost");
    let channel = Channel::from_shared(endpoint.to_owned()).unwrap().tls_config(tls).unwrap();
    let channel = channel.connect().await.unwrap();
    let header: MetadataValue<Ascii> = bearer.parse().unwrap();
    let authorize = move |mut request: tonic::Request<()>| {
        request.metadata_mut().insert("authorization", header.clone());
        Ok(request)
    };
    let mut keys = KeyServiceClient::with_interceptor(channel.clone(), authorize.clone());
    let request = pb::CreateKeyRequest {
        parent: "hsms/local".to_owned(),
        key_id: "ec".to_owned(),
        kty: "EC-HSM".to_owned(),
        ..Default::default()
    };
    keys.create_key(request).await.unwrap();

    let mut crypto = CryptoServiceClient::with_interceptor(channel, authorize);
    let grpc = count_calls(async || {
        let request = pb::SignRequest {
            name: "hsms/local/keys/ec".to_owned(),
            algorithm: "ES256".to_owned(),
            digest: vec![7; 32],
        };
        assert_eq!(crypto.sign(request).await.unwrap().into_inner().signature.len(), 64);
    });
    let grpc = grpc.await;
    let url = format!("https://{host}:{}/keys/ec/sign?api-version=7.6", address.port());
    let body = json!({"alg": "ES256", "value": URL_SAFE_NO_PAD.encode([7; 32])});
    let rest = count_calls(async || {
        let response = http.post(&url).header("authorization", &bearer).json(&body).send().await.unwrap();
        let signed: Value = response.error_for_status().unwrap().json().await.unwrap();
        assert_eq!(signed["value"].as_str().unwrap().len(), 86);
    });
    (grpc, rest.await)
}

/// Waits until the simulator serves, and reads `connection.json`.
async fn connection(directory: &Path) -> Value {
    let started = Instant::now();
    // dev.env is written last.
    while !directory.join("dev.env").exists() {
        assert!(started.elapsed() < Duration::from_secs(60), "the simulator is not ready");
        #[expect(clippy::disallowed_methods, reason = "the simulator starts in real time")]
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    serde_json::from_slice(&std::fs::read(directory.join("connection.json")).unwrap()).unwrap()
}

/// Requests an access token for the principal `dev`.
async fn access_token(http: &reqwest::Client, connection: &Value) -> String {
    let principals = connection["principals"].as_array().unwrap();
    let dev = principals.iter().find(|principal| principal["name"] == "dev").unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let url =
        format!("{}/{}/oauth2/v2.0/token", text(&connection["authority"]), text(&connection["tenant_id"]));
    let form = [
        ("grant_type", "client_credentials".to_owned()),
        ("client_id", text(&dev["client_id"])),
        ("client_secret", text(&dev["client_secret"])),
        ("scope", format!("{}/.default", text(&connection["audience"]))),
    ];
    let response = http.post(url).form(&form).send().await.unwrap();
    text(&response.json::<Value>().await.unwrap()["access_token"])
}
