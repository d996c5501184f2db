//! Opens a gateway: everything is configured, nothing is made up.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;

use super::house::{self, House};
use super::resources;
use super::simulator::open_token;
use crate::clock::Clock;
use crate::config::{self, Config, HsmSeed};
use crate::identity::files;
use crate::identity::{Identity, Issuer, KeySource, Settings, SignatureAlgorithm};
use crate::model::Timestamp;
use crate::model::hsm::{Activation, ManagedHsm};
use crate::model::name::PrincipalId;
use crate::model::rbac::RoleDefinition;
use crate::model::resource::Subscription;
use crate::store::Store;

use crate::token::{Module, Selector};

/// Opens the gateway that is configured.
pub(super) async fn open(config: &Config) -> anyhow::Result<House> {
    files::make_private_directory(&config.data_dir)?;
    let lock = house::lock(&config.data_dir)?;
    let (Some(chain), Some(key), Some(path)) =
        (&config.server.certificate_file, &config.server.key_file, &config.token.module)
    else {
        bail!("a gateway needs server.certificate_file, server.key_file and token.module");
    };
    let certificates = CertificateDer::pem_file_iter(chain)
        .and_then(|certificates| certificates.collect::<Result<Vec<_>, _>>())
        .with_context(|| format!("server.certificate_file: reading {}", chain.display()))?;
    if certificates.is_empty() {
        bail!("server.certificate_file: {} holds no certificate", chain.display());
    }
    let key = PrivateKeyDer::from_pem_file(key)
        .with_context(|| format!("server.key_file: reading {}", key.display()))?;
    let tls = tls(certificates, key, config)?;
    let identity = Identity::new(identity_settings(config)).await?;

    let clock = Clock::System;
    let store = house::open_store(config, &clock).await?;
    let (engine, now) = house::engine(identity, store.clone(), clock)?;
    let pin = config.token.pin.read()?;
    let module = Module::load(path, house::profile(&config.token)?)
        .with_context(|| format!("token.module: loading {}", path.display()))?;
    let built_in = config::built_in_roles()?;
    let administrator: &RoleDefinition = house::role(&built_in, house::ADMINISTRATOR)?;
    resources::make_places_of_known_hsms(&store).await?;
    for wanted in &config.hsm {
        make_place(&store, wanted, now).await.with_context(|| format!("HSM {}", wanted.name))?;
    }
    for given in &config.control_plane_role {
        resources::assign(&store, given.principal, &given.role, &given.scope)
            .await
            .context("control_plane_role")?;
    }
    for wanted in &config.hsm {
        let known = store.hsm(&wanted.name);
        let settings = crate::token::Settings { expect_sentinel: known.is_some(), faults: None };
        let selector = selector(wanted);
        // Looked at before it is opened: a PIN is not tried on another token.
        let present = module.find(&selector).with_context(|| format!("the token of HSM {}", wanted.name))?;
        if let Some(hsm) = &known
            && hsm.token_serial != present.serial
        {
            bail!(
                "HSM {} keeps its keys in the token with serial {}; {selector} names the one with serial {}",
                wanted.name,
                hsm.token_serial,
                present.serial
            );
        }
        let selected = Selector::Serial(present.serial);
        let token = open_token(&module, &selected, &pin, &settings)
            .await
            .with_context(|| format!("opening the token of HSM {} ({selector})", wanted.name))?;
        if known.is_none() {
            let assigned: Vec<(PrincipalId, &RoleDefinition)> =
                wanted.administrators.iter().map(|principal| (*principal, administrator)).collect();
            let hsm = ManagedHsm {
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
            };
            house::make_hsm(&store, hsm, &assigned).await?;
        }
        engine.attach(&wanted.name, token);
    }
    Ok(House { engine, module, tls, simulator: None, lock })
}

/// Makes what holds an HSM that is not there yet; where a known one is, its record says.
async fn make_place(store: &Store, wanted: &HsmSeed, now: Timestamp) -> anyhow::Result<()> {
    if store.hsm(&wanted.name).is_some() {
        return Ok(());
    }
    let id = wanted.subscription();
    let subscription =
        Subscription { id, name: id.to_string(), tenant: wanted.tenant_id, undeletable: false };
    resources::make_place(store, subscription, &wanted.resource_group, &wanted.location, now, &[]).await
}

fn selector(hsm: &HsmSeed) -> Selector {
    match (&hsm.token.serial, &hsm.token.label) {
        (Some(serial), _) => Selector::Serial(serial.clone()),
        (None, label) => Selector::Label(label.clone().unwrap_or_default()),
    }
}

/// Whom the configuration says to believe.
pub(super) fn identity_settings(config: &Config) -> Settings {
    let issuer = |issuer: &crate::config::Issuer| Issuer {
        issuer: issuer.issuer.clone(),
        audiences: issuer.audiences.clone(),
        tenant: issuer.tenant,
        keys: match (&issuer.jwks_file, &issuer.jwks_url) {
            (Some(file), _) => KeySource::JwksFile(file.clone()),
            (None, url) => KeySource::JwksUrl(url.clone().unwrap_or_default()),
        },
        algorithms: vec![SignatureAlgorithm::RS256, SignatureAlgorithm::ES256],
        leeway_seconds: issuer.leeway_seconds,
        tenant_claim_required: issuer.tenant_claim_required,
        ca_file: issuer.ca_file.clone(),
    };
    Settings {
        issuers: config.identity.issuers.iter().map(issuer).collect(),
        certificates: config.identity.client_certificates.clone(),
    }
}

/// TLS 1.2 and 1.3; client certificates are asked for where an authority for them is configured, and
/// callers with a bearer token need none.
pub(super) fn tls(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    config: &Config,
) -> anyhow::Result<Arc<rustls::ServerConfig>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .context("TLS versions")?;
    let builder = match &config.server.client_ca_file {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for certificate in CertificateDer::pem_file_iter(path)
                .with_context(|| format!("server.client_ca_file: reading {}", path.display()))?
            {
                roots.add(certificate.context("server.client_ca_file")?).context("server.client_ca_file")?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .allow_unauthenticated()
                .build()
                .context("server.client_ca_file")?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut tls = builder.with_single_cert(chain, key).context("the server's certificate and key")?;
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(tls))
}
