//! Opens a gateway from its configuration.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::audit_log;
use super::client_verifier::ClientVerifier;
use super::resources;
use super::service::{self, Service};
use crate::api::{HostNames, TokenAuthorities};
use crate::clock::{Clock, SystemClockSource};
use crate::config::{self, Config, HsmSeed, TokenSelector};
use crate::engine::Engine;
use crate::identity::{Identity, Issuer, KeySource, Revocation, Settings, SignatureAlgorithm};
use crate::ids::Ids;
use crate::model::Timestamp;
use crate::model::hsm::{Activation, ManagedHsm, NetworkRules};
use crate::model::key::Tags;
use crate::model::local_rbac::{ADMINISTRATOR_ROLE, RoleDefinition};
use crate::model::name::PrincipalId;
use crate::model::resource::Subscription;
use crate::model::setting;
use crate::ops::AttachedTokens;
use crate::simulator::files;
use crate::store::Store;

use crate::token::{Module, Selector, TokenPool, TokenSource};

/// Opens the configured gateway.
pub(super) async fn open(config: &Config) -> anyhow::Result<Service> {
    files::make_private_directory(&config.data_dir)?;
    let lock = service::lock(&config.data_dir)?;
    let (Some(chain), Some(key), Some(path)) =
        (&config.server.certificate_file, &config.server.key_file, &config.token.module)
    else {
        bail!("a gateway needs server.certificate_file, server.key_file and token.module");
    };
    let certificates = CertificateDer::pem_file_iter(chain)
        .and_then(|certificates| certificates.collect::<Result<Vec<_>, _>>())
        .with_context(|| format!("server.certificate_file: reading {}", chain.display()))?;
    if certificates.is_empty() {
        bail!("server.certificate_file: {} contains no certificate", chain.display());
    }
    let key = PrivateKeyDer::from_pem_file(key)
        .with_context(|| format!("server.key_file: reading {}", key.display()))?;
    let trust = ClientTrust::read(config)?;
    let tls = tls(certificates, key, &trust)?;
    let identity = Identity::new(identity_settings(config, trust)).await?;

    let clock = Clock::guarded(Arc::new(SystemClockSource::default()), config.time.limits());
    let store = service::open_store(config, &clock).await?;
    let now = clock.now();
    let module = Module::load(path, service::profile(&config.token)?)
        .with_context(|| format!("token.module: loading {}", path.display()))?;
    let source = TokenSource::Preinitialized {
        tokens: config.token.pool.iter().map(selector).collect(),
        shared: config.token.pool_shared,
        pin: config.token.pin.read()?,
    };
    let supply = TokenPool::new(module.clone(), source);
    let tokens = AttachedTokens::default();
    check_tokens(config, &store, &module)?;
    service::open_tokens(&store, &supply, &tokens).await?;
    let built_in = config::built_in_roles()?;
    let administrator: &RoleDefinition = service::role(&built_in, ADMINISTRATOR_ROLE)?;
    resources::ensure_resource_groups_of_hsms(&store).await?;
    let lifetimes = store.lifetimes();
    for wanted in config.hsm.iter().filter(|wanted| !service::has_existed(&lifetimes, &wanted.name)) {
        ensure_resource_group(&store, wanted, now).await.with_context(|| format!("HSM {}", wanted.name))?;
    }
    for assignment in &config.control_plane_role {
        resources::assign(&store, assignment.principal, &assignment.role, &assignment.scope)
            .await
            .context("control_plane_role")?;
    }
    for wanted in config.hsm.iter().filter(|wanted| !service::has_existed(&lifetimes, &wanted.name)) {
        let selector = selector(&wanted.token);
        let token = supply
            .open(&selector, false)
            .await
            .with_context(|| format!("opening the token of HSM {} ({selector})", wanted.name))?;
        let assigned: Vec<(PrincipalId, &RoleDefinition)> =
            wanted.administrators.iter().map(|principal| (*principal, administrator)).collect();
        let hsm = ManagedHsm {
            id: Ids.guid(),
            name: wanted.name.clone(),
            tenant: wanted.tenant_id,
            subscription: wanted.subscription(),
            resource_group: wanted.resource_group.clone(),
            location: wanted.location.clone(),
            sku: wanted.sku.clone(),
            retention: wanted.retention_days,
            purge_protection: wanted.purge_protection,
            activation: Activation::Active,
            initial_administrators: wanted.administrators.clone(),
            token_serial: token.info().serial.clone(),
            created: now,
            deletion: None,
            tags: Tags::default(),
            network: NetworkRules::default(),
            settings: setting::Settings::default(),
        };
        service::create_hsm(&store, hsm, &assigned).await?;
        tokens.attach(&wanted.name, token);
    }
    let signing_token = selector(config.audit.token.as_ref().unwrap_or(&config.hsm[0].token));
    let audit_log = audit_log::open(config, &store, &supply, Some(signing_token), now).await?;
    let operators =
        config.time.operators.iter().map(|operator| (operator.tenant, operator.principal)).collect();
    let rules = (service::aes_modes(config, &config.hsm), operators, audit_log);
    let (locations, pricing) = (config::locations()?, service::pricing(config)?);
    let engine = Engine::new(identity, store, clock, locations, pricing, (supply, tokens), rules);
    Ok(Service { engine, module, tls, simulator: None, names: names(config), lock })
}

/// Returns the names of the data planes, and the authorities that issue access tokens for them.
fn names(config: &Config) -> HostNames {
    let first = config.hsm.first();
    HostNames {
        suffixes: config.names.data_plane.clone(),
        management_hosts: config.names.management.clone(),
        default_hsm_hosts: config.names.certificate.clone(),
        default_hsm: first.map(|hsm| hsm.name.clone()),
        default_tenant: first.map(|hsm| hsm.tenant_id).unwrap_or_default(),
        authorities: TokenAuthorities::External(
            config.identity.issuers.iter().rev().map(|issuer| (issuer.tenant, authority(issuer))).collect(),
        ),
    }
}

/// Returns the authority URL of an issuer, for challenges to clients. The issuer of Entra ID's v1 access tokens has
/// another host than the authority, that of v2 has a version suffix; for other issuers, both URLs are the same.
fn authority(issuer: &crate::config::Issuer) -> String {
    let name = issuer.issuer.trim_end_matches('/');
    if name.starts_with("https://sts.windows.net/") {
        return format!("https://login.microsoftonline.com/{}", issuer.tenant);
    }
    name.strip_suffix("/v2.0").unwrap_or(name).to_owned()
}

/// Errors unless the configured tokens are those that hold the keys of the HSMs, so that no PIN is tried on a wrong
/// token.
fn check_tokens(config: &Config, store: &Store, module: &Module) -> anyhow::Result<()> {
    for wanted in &config.hsm {
        let Some(hsm) = store.hsm(&wanted.name) else { continue };
        let selector = selector(&wanted.token);
        let present = module.find(&selector).with_context(|| format!("the token of HSM {}", wanted.name))?;
        if hsm.token_serial != present.serial {
            bail!(
                "the keys of HSM {} are in the token with serial {}, but {selector} is the token with serial {}",
                wanted.name,
                hsm.token_serial,
                present.serial
            );
        }
    }
    Ok(())
}

/// Creates subscription and resource group of a new HSM. An existing HSM has them already.
async fn ensure_resource_group(store: &Store, wanted: &HsmSeed, now: Timestamp) -> anyhow::Result<()> {
    if store.hsm(&wanted.name).is_some() {
        return Ok(());
    }
    let id = wanted.subscription();
    let subscription = Subscription { id, name: id.to_string(), tenant: wanted.tenant_id, protected: false };
    resources::ensure_resource_group(store, subscription, &wanted.resource_group, &wanted.location, now, &[])
        .await
}

/// Converts a configured token selector.
fn selector(token: &TokenSelector) -> Selector {
    match (&token.serial, &token.label) {
        (Some(serial), _) => Selector::Serial(serial.clone()),
        (None, label) => Selector::Label(label.clone().unwrap_or_default()),
    }
}

/// Returns the settings of authentication.
pub(super) fn identity_settings(config: &Config, trust: ClientTrust) -> Settings {
    let issuer = |issuer: &crate::config::Issuer| Issuer {
        issuer: issuer.issuer.clone(),
        audiences: issuer.audiences.clone(),
        management_audiences: issuer.management_audiences.clone(),
        any_port: false,
        is_simulator_authority: false,
        tenant: issuer.tenant,
        keys: match (&issuer.jwks_file, &issuer.jwks_url) {
            (Some(file), _) => KeySource::JwksFile(file.clone()),
            (None, url) => KeySource::JwksUrl(url.clone().unwrap_or_default()),
        },
        algorithms: vec![SignatureAlgorithm::RS256, SignatureAlgorithm::ES256],
        leeway_seconds: issuer.leeway_seconds,
        tenant_claim_required: issuer.tenant_claim_required,
        ca_file: issuer.ca_file.clone(),
        keys_max_age_seconds: issuer.keys_max_age_seconds,
        proxy: issuer.proxy.clone(),
    };
    Settings {
        issuers: config.identity.issuers.iter().map(issuer).collect(),
        certificates: config.identity.client_certificates.clone(),
        client_authorities: trust.authorities,
        revocation: trust.revocation,
    }
}

/// The trust settings for client certificates.
pub(super) struct ClientTrust {
    /// The trusted certificate authorities.
    authorities: Vec<CertificateDer<'static>>,
    /// The revocation lists.
    revocation: Revocation,
}

impl ClientTrust {
    /// Reads the configured files.
    ///
    /// # Errors
    /// If a file cannot be read; the text names the setting.
    pub(super) fn read(config: &Config) -> anyhow::Result<Self> {
        let authorities = match &config.server.client_ca_file {
            None => Vec::new(),
            Some(path) => CertificateDer::pem_file_iter(path)
                .and_then(|certificates| certificates.collect::<Result<Vec<_>, _>>())
                .with_context(|| format!("server.client_ca_file: reading {}", path.display()))?,
        };
        if config.server.client_ca_file.is_some() && authorities.is_empty() {
            bail!("server.client_ca_file: contains no certificate");
        }
        let revocation = Revocation::open(&config.identity.revocation.crl_files)?;
        Ok(Self { authorities, revocation })
    }
}

/// Returns the TLS configuration: TLS 1.2 and 1.3, with optional client certificates if an authority for them is
/// configured.
pub(super) fn tls(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    trust: &ClientTrust,
) -> anyhow::Result<Arc<rustls::ServerConfig>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .context("TLS versions")?;
    let builder = if trust.authorities.is_empty() {
        builder.with_no_client_auth()
    } else {
        let mut roots = RootCertStore::empty();
        for certificate in &trust.authorities {
            roots.add(certificate.clone()).context("server.client_ca_file")?;
        }
        let verifier = ClientVerifier::new(roots, provider, trust.revocation.clone())?;
        builder.with_client_cert_verifier(Arc::new(verifier))
    };
    let mut tls = builder.with_single_cert(chain, key).context("the server's certificate and key")?;
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(tls))
}
