//! The surfaces and the engine of the service in this process, with a key in SoftHSM and a caller that may use it.
//!
//! There is no network: requests are passed to the routes. The runtime has one thread, that of the benchmark.

use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Request, StatusCode};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use prost::Message as _;
use serde_json::json;
use strongroom::api::grpc::{Services, pb};
use strongroom::api::rest::Rest;
use strongroom::api::{BodyLimits, HostNames, TokenAuthorities};
use strongroom::clock::Clock;
use strongroom::engine::Engine;
use strongroom::identity::{Credential, Identity, Issuer, KeySource, Settings, SignatureAlgorithm};
use strongroom::ids::Ids;
use strongroom::jobs::Scheduler;
use strongroom::model::algorithm;
use strongroom::model::audit_entry::Origin;
use strongroom::model::change::{Change, VersionOrigin};
use strongroom::model::container_id::KeyId;
use strongroom::model::key::{Curve, KeySpec, KeyType};
use strongroom::model::local_rbac::{LocalScope, RoleAssignment};
use strongroom::model::name::PrincipalId;
use strongroom::model::wrapped_key::BackupPolicy;
use strongroom::ops::AttachedTokens;
use strongroom::ops::crypto::{Sign, SignInput};
use strongroom::store::Commit;
use strongroom::token::{Module, TokenUsage};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;
use uuid::{Uuid, uuid};

use crate::contents::{TENANT, creation, hsm, hsm_name, key_version};
use crate::engine::{engine, open_store, token_pool};

/// The role definition "Managed HSM Crypto User" (`hsm-config/roles.json`).
const CRYPTO_USER: Uuid = uuid!("21dbd100-6940-42c2-9190-5d6cb909625b");
const PRINCIPAL: Uuid = Uuid::from_u128(9);
const ISSUER: &str = "https://issuer.example/";
const AUDIENCE: &str = "https://managedhsm.example";
const KEY: &str = "ec";
const DIGEST: [u8; 32] = [0x5a; 32];
/// The length of a signature with P-256, in bytes.
const SIGNATURE: usize = 64;
/// The maximum size of a request.
const LIMIT: usize = 1 << 20;

/// The service.
pub(crate) struct Service {
    runtime: Runtime,
    module: Module,
    engine: Engine,
    grpc: axum::Router,
    rest: Rest,
    authorization: String,
}

/// Returns the directory of the service. Its path is the same in each process, since SoftHSM reads its configuration from an
/// environment variable.
pub(crate) fn directory() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("instructions")
}

impl Service {
    /// Opens the service in an empty directory, and calls each surface until it is warm.
    pub(crate) fn open() -> anyhow::Result<Self> {
        let directory = directory();
        if directory.exists() {
            std::fs::remove_dir_all(&directory)?;
        }
        std::fs::create_dir_all(&directory)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (authorization, issuer) = issuer()?;
        let (module, engine) = runtime.block_on(create(&directory, issuer))?;
        let (_, health) = tonic_health::server::health_reporter();
        let services =
            Services::new(engine.clone(), Scheduler::new(engine.clone()), CancellationToken::new());
        let grpc = services.routes(LIMIT, health)?;
        let limits = BodyLimits { max_bytes: LIMIT, timeout: Duration::from_secs(30) };
        let rest = Rest::new(engine.clone(), host_names(), limits);
        let service = Self { runtime, module, engine, grpc, rest, authorization };
        for _ in 0..3 {
            service.sign_with_engine()?;
            service.sign_over_grpc()?;
            service.sign_over_rest()?;
        }
        Ok(service)
    }

    /// Ends the threads of the token: a process that exits while one of them is in SoftHSM may crash.
    pub(crate) fn close(self) -> anyhow::Result<()> {
        let drained = self.runtime.block_on(self.engine.shut_down(Duration::from_secs(30)));
        anyhow::ensure!(drained, "the token did not end its calls");
        Ok(self.module.finalize()?)
    }

    /// Authenticates, authorizes, signs and records, without a surface.
    pub(crate) fn sign_with_engine(&self) -> anyhow::Result<()> {
        let key = KeyId { container: hsm_name().into(), name: KEY.parse()?, version: None };
        let input = SignInput { algorithm: algorithm::SignatureAlgorithm::Es256, digest: DIGEST.to_vec() };
        let credential = Credential::presented(Some(self.authorization.as_bytes()), None);
        let origin = Origin { correlation_id: Ids.guid(), ..Origin::default() };
        let signed = self.engine.answer(credential, origin, || Ok(Sign { key, input }), |reply| reply.value);
        anyhow::ensure!(self.runtime.block_on(signed)?.len() == SIGNATURE, "no signature");
        Ok(())
    }

    /// The same over gRPC.
    pub(crate) fn sign_over_grpc(&self) -> anyhow::Result<()> {
        let name = format!("hsms/{}/keys/{KEY}", hsm_name());
        let message = pb::SignRequest { name, algorithm: "ES256".to_owned(), digest: DIGEST.to_vec() };
        let mut frame = vec![0];
        frame.extend(u32::try_from(message.encoded_len())?.to_be_bytes());
        message.encode(&mut frame)?;
        let request = Request::post("/strongroom.v1.CryptoService/Sign")
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .header("authorization", &self.authorization)
            .body(Body::from(frame))?;
        let frame = self.runtime.block_on(async {
            let response = self.grpc.clone().oneshot(request).await?;
            anyhow::Ok(to_bytes(response.into_body(), LIMIT).await?)
        })?;
        let message = frame.get(5..).unwrap_or_default();
        anyhow::ensure!(pb::SignResponse::decode(message)?.signature.len() == SIGNATURE, "no signature");
        Ok(())
    }

    /// The same over REST.
    pub(crate) fn sign_over_rest(&self) -> anyhow::Result<()> {
        let body = json!({"alg": "ES256", "value": URL_SAFE_NO_PAD.encode(DIGEST)});
        let host = format!("{}.managedhsm.localhost", hsm_name());
        let request = Request::post(format!("/keys/{KEY}/sign?api-version=7.6"))
            .header("host", host)
            .header("content-type", "application/json")
            .header("authorization", &self.authorization)
            .body(Body::from(body.to_string()))?;
        let (status, body) = self.runtime.block_on(async {
            let response = self.rest.handle(request).await;
            let status = response.status();
            anyhow::Ok((status, to_bytes(response.into_body(), LIMIT).await?))
        })?;
        anyhow::ensure!(status == StatusCode::OK, "{status}: {}", String::from_utf8_lossy(&body));
        Ok(())
    }
}

/// Creates the engine, with an HSM, a key and a role assignment.
async fn create(directory: &Path, issuer: Issuer) -> anyhow::Result<(Module, Engine)> {
    let clock = Clock::System;
    let store = open_store(directory, &clock).await?;
    let (module, pool) = token_pool(directory)?;
    let token = pool.allocate("bench", TokenUsage::default).await?;
    let version = Ids.version();
    let spec = KeySpec { key_type: KeyType::Ec { curve: Curve::P256 }, public_exponent: 65537 };
    let material = token.generate(version, &spec, BackupPolicy::Never).await?;
    let assignment = RoleAssignment {
        id: Ids.guid(),
        role_definition: CRYPTO_USER,
        principal: PrincipalId(PRINCIPAL),
        scope: LocalScope::Hsm,
    };
    let now = clock.now();
    let mut changes = creation(hsm(token.info().serial.clone(), now)?, vec![assignment]);
    let created = key_version(KEY.parse()?, version, material, now);
    changes.push(Change::InsertVersion(created, VersionOrigin::Created));
    store.commit(Commit { changes, ..Commit::default() }).await?;
    let tokens = AttachedTokens::default();
    tokens.attach(&hsm_name().into(), token);
    let identity = Identity::new(Settings { issuers: vec![issuer], ..Settings::default() }).await?;
    let engine = engine(directory, identity, (store, clock), (pool, tokens))?;
    Ok((module, engine))
}

/// Creates an issuer, and the header with an access token of it.
fn issuer() -> anyhow::Result<(String, Issuer)> {
    let pair = rcgen::KeyPair::generate()?;
    // An uncompressed point (SEC 1, section 2.3.3).
    let (x, y) = pair.public_key_raw().get(1..).unwrap_or_default().split_at(32);
    let [x, y] = [x, y].map(|coordinate| URL_SAFE_NO_PAD.encode(coordinate));
    let keys = json!({"keys": [{"kty": "EC", "crv": "P-256", "kid": "1", "x": x, "y": y}]});
    let now = jsonwebtoken::get_current_timestamp();
    let claims = json!({"iss": ISSUER, "aud": AUDIENCE, "tid": TENANT, "oid": PRINCIPAL, "sub": PRINCIPAL,
        "iat": now, "nbf": now, "exp": now + 86_400, "appid": "bench", "ver": "1.0"});
    let header = Header { kid: Some("1".to_owned()), ..Header::new(Algorithm::ES256) };
    let token = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_ec_der(pair.serialized_der()))?;
    let issuer = Issuer {
        issuer: ISSUER.to_owned(),
        audiences: vec![AUDIENCE.to_owned()],
        vault_audiences: Vec::new(),
        management_audiences: Vec::new(),
        any_port: false,
        is_simulator_authority: false,
        tenant: TENANT,
        keys: KeySource::Static(serde_json::from_value(keys)?),
        algorithms: vec![SignatureAlgorithm::ES256],
        leeway_seconds: 60,
        tenant_claim_required: true,
        ca_file: None,
        keys_max_age_seconds: 86_400,
        proxy: None,
    };
    Ok((format!("Bearer {token}"), issuer))
}

fn host_names() -> HostNames {
    HostNames {
        suffixes: vec!["managedhsm.localhost".to_owned()],
        vault_suffixes: vec!["vault.localhost".to_owned()],
        management_hosts: Vec::new(),
        default_hsm_hosts: Vec::new(),
        default_hsm: None,
        default_tenant: TENANT,
        authorities: TokenAuthorities::BuiltIn(vec!["login.localhost".to_owned()]),
    }
}
