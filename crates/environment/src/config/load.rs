//! Reads and merges the configuration sources; each is checked separately so that errors name the source.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::{Config, ConfigError, Mode, environment};
use crate::model::billing::Plan;
use crate::model::container::ContainerKind;

/// The sources of the configuration, in order of increasing precedence.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The configuration file, if one is given.
    pub file: Option<PathBuf>,
    /// Environment variables. `STRONGROOM_SERVER__LISTEN` sets `server.listen`; other variables are ignored.
    pub environment: Vec<(OsString, OsString)>,
    /// Settings from command-line flags: a dotted key and a value each.
    pub flags: Vec<(&'static str, String)>,
}

impl Sources {
    /// Returns the sources of this process: `file`, the environment of the process, and `flags`.
    pub fn from_process(file: Option<PathBuf>, flags: Vec<(&'static str, String)>) -> Self {
        #[expect(clippy::disallowed_methods, reason = "the configuration reads the environment")]
        Self { file, environment: std::env::vars_os().collect(), flags }
    }

    /// Returns the sorted names of `STRONGROOM_` variables that neither the configuration nor the command line reads.
    #[must_use]
    pub fn unrecognized_variables(&self) -> Vec<String> {
        environment::unrecognized(&self.environment)
    }
}

/// Reads and validates the configuration.
///
/// # Errors
/// If keys are unknown, values are invalid, or settings contradict each other; the text names the key and the source.
pub fn load(sources: &Sources) -> Result<Config, ConfigError> {
    let mut merged = Table::new();
    if let Some(path) = &sources.file {
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::new(format!("{} cannot be read: {error}", path.display())))?;
        // Parsed into `Config` first: errors of the typed parser name line and key.
        let error = |error: toml::de::Error| ConfigError::new(format!("{}: {error}", path.display()));
        toml::from_str::<Config>(&text).map_err(error)?;
        merge(&mut merged, toml::from_str(&text).map_err(error)?);
    }
    for setting in environment::settings(&sources.environment)? {
        merge(&mut merged, checked(&setting.path, setting.value, setting.name)?);
    }
    for (key, value) in &sources.flags {
        let path: Vec<String> = key.split('.').map(str::to_owned).collect();
        merge(&mut merged, checked(&path, value, key)?);
    }
    let config = Config::try_from_table(merged)?;
    validate(&config)?;
    Ok(config)
}

impl Config {
    fn try_from_table(table: Table) -> Result<Self, ConfigError> {
        table.try_into().map_err(|error: toml::de::Error| ConfigError::new(error.to_string()))
    }
}

/// Returns a table with this setting only, parsed into `Config` so that an error names `origin`.
fn checked(path: &[String], text: &str, origin: &str) -> Result<Table, ConfigError> {
    let nest = |value: Value| {
        let mut value = value;
        for key in path.iter().rev() {
            value = Value::Table(Table::from_iter([(key.clone(), value)]));
        }
        match value {
            Value::Table(table) => table,
            _ => Table::new(),
        }
    };
    // The type of the setting decides whether `8443` is a number or a string.
    let as_text = nest(Value::String(text.to_owned()));
    if Config::try_from_table(as_text.clone()).is_ok() {
        return Ok(as_text);
    }
    let parsed = format!("value = {text}").parse::<Table>().ok().and_then(|mut table| table.remove("value"));
    let table = parsed.map_or(as_text, nest);
    Config::try_from_table(table.clone()).map_err(|error| ConfigError::new(format!("{origin}: {error}")))?;
    Ok(table)
}

fn merge(into: &mut Table, from: Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Table(old)), Value::Table(new)) => merge(old, new),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

fn validate(config: &Config) -> Result<(), ConfigError> {
    let need = |condition: bool, text: &str| if condition { Ok(()) } else { Err(ConfigError::new(text)) };
    let readable = |key: &str, path: &Option<PathBuf>| match path {
        Some(path) if !Path::is_file(path) => {
            Err(ConfigError::new(format!("{key}: there is no file {}", path.display())))
        }
        _ => Ok(()),
    };
    need(!config.names.data_plane.is_empty(), "names.data_plane: at least one suffix is needed")?;
    need(!config.names.vaults.is_empty(), "names.vaults: at least one suffix is needed")?;
    let is_of_hsms =
        |suffix: &&String| config.names.data_plane.iter().any(|of| of.eq_ignore_ascii_case(suffix));
    if let Some(suffix) = config.names.vaults.iter().find(is_of_hsms) {
        return Err(ConfigError::new(format!("names.vaults: {suffix} is also in names.data_plane")));
    }
    need(!config.names.authority.is_empty(), "names.authority: at least one host is needed")?;
    need(config.server.max_connections > 0, "server.max_connections: must be at least 1")?;
    need((1..=1_000_000).contains(&config.events.kept), "events.kept: must be 1 to 1000000")?;
    config.store.validate()?;
    config.audit.validate()?;
    config.backup.validate()?;
    config.time.validate()?;
    config.traces.validate()?;
    need(config.server.max_request_bytes >= 64 * 1024, "server.max_request_bytes: must be at least 65536")?;
    need(config.server.request_seconds > 0, "server.request_seconds: must be at least 1")?;
    config.connections.validate(&config.server)?;
    let positive = |number: Option<u64>| number != Some(0);
    need(config.token.queue != Some(0), "token.queue: must be at least 1")?;
    need(positive(config.token.timeout_milliseconds), "token.timeout_milliseconds: must be at least 1")?;
    need(
        positive(config.token.slow_timeout_milliseconds),
        "token.slow_timeout_milliseconds: must be at least 1",
    )?;
    need(
        config.simulator.managed_identity_listen.ip().is_loopback(),
        "simulator.managed_identity_listen: must be a loopback address; it answers without TLS",
    )?;
    readable("server.certificate_file", &config.server.certificate_file)?;
    readable("server.key_file", &config.server.key_file)?;
    readable("server.client_ca_file", &config.server.client_ca_file)?;
    readable("token.module", &config.token.module)?;
    let sheet = super::prices(config.billing.prices_file.as_deref())?;
    let is_for_hsms = |plan: &&Plan| plan.container == ContainerKind::ManagedHsm;
    let plan = sheet.plan(&config.billing.plan);
    need(
        plan.as_ref().is_none_or(is_for_hsms),
        "billing.plan: this is a plan for vaults, not for managed HSMs",
    )?;
    if plan.is_none() {
        let known: Vec<_> = sheet.plan.iter().filter(is_for_hsms).map(|plan| plan.name.as_str()).collect();
        let (plan, known) = (&config.billing.plan, known.join(", "));
        return Err(ConfigError::new(format!(
            "billing.plan: there is no plan {plan}; the price list has {known}"
        )));
    }
    for issuer in &config.identity.issuers {
        need(
            issuer.jwks_file.is_some() != issuer.jwks_url.is_some(),
            "identity.issuers: each needs exactly one of jwks_file and jwks_url",
        )?;
        need(!issuer.audiences.is_empty(), "identity.issuers: each needs at least one audience")?;
        need(
            issuer.keys_max_age_seconds >= 60,
            "identity.issuers: keys_max_age_seconds must be at least 60",
        )?;
        need(
            issuer.proxy.is_none() || issuer.jwks_url.is_some(),
            "identity.issuers: proxy requires jwks_url",
        )?;
    }
    config.console.validate(config.mode, &config.identity.issuers)?;
    if config.mode == Mode::Gateway {
        need(config.token.module.is_some(), "token.module: a gateway needs the module's path")?;
        need(
            config.server.certificate_file.is_some() && config.server.key_file.is_some(),
            "server.certificate_file and server.key_file: a gateway needs its own certificate",
        )?;
        need(
            !config.identity.issuers.is_empty() || !config.identity.client_certificates.is_empty(),
            "identity: a gateway needs an issuer or client certificates to authenticate callers",
        )?;
        need(!config.hsm.is_empty(), "hsm: a gateway needs at least one [[hsm]]")?;
        for hsm in &config.hsm {
            need(
                hsm.token.label.is_some() != hsm.token.serial.is_some(),
                "hsm.token: each needs exactly one of label and serial",
            )?;
            need(!hsm.administrators.is_empty(), "hsm.administrators: each needs at least one object id")?;
            need(!hsm.tenant_id.is_nil(), "hsm.tenant_id: each needs a tenant id")?;
        }
    }
    need(
        config.identity.revocation.crl_files.is_empty() || config.server.client_ca_file.is_some(),
        "identity.revocation.crl_files: requires server.client_ca_file",
    )?;
    need(
        config.identity.client_certificates.is_empty() || config.server.client_ca_file.is_some(),
        "server.client_ca_file: identity.client_certificates requires the authority that issued them",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn simulator(
        environment: &[(&str, &str)],
        flags: &[(&'static str, &str)],
    ) -> Result<Config, ConfigError> {
        let mut all = vec![("mode", "simulator".to_owned())];
        all.extend(flags.iter().map(|(key, value)| (*key, (*value).to_owned())));
        load(&Sources {
            file: None,
            environment: environment.iter().map(|(name, value)| (name.into(), value.into())).collect(),
            flags: all,
        })
    }

    #[test]
    fn flags_override_environment_variables() {
        let config = simulator(
            &[
                ("STRONGROOM_SERVER__LISTEN", "127.0.0.1:1"),
                ("STRONGROOM_SERVER__MAX_CONNECTIONS", "7"),
                ("STRONGROOM_TOKEN__SESSION_COPIES", "0"),
                ("STRONGROOM_TOKEN", "an access token of the command line"),
                ("PATH", "/bin"),
            ],
            &[("server.listen", "127.0.0.1:2")],
        )
        .unwrap();
        assert_eq!(config.server.listen.port(), 2);
        assert_eq!(config.server.max_connections, 7);
        assert_eq!(config.token.session_copies, Some(0));
    }

    #[test]
    fn unknown_key_errors_name_the_source() {
        let error = simulator(&[("STRONGROOM_SERVER__LISTENN", "x")], &[]).unwrap_err().to_string();
        assert!(error.contains("STRONGROOM_SERVER__LISTENN") && error.contains("listenn"), "{error}");
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("strongroom.toml");
        std::fs::write(&file, "mode = \"simulator\"\n[server]\nport = 1\n").unwrap();
        let error =
            load(&Sources { file: Some(file.clone()), ..Sources::default() }).unwrap_err().to_string();
        assert!(error.contains("strongroom.toml") && error.contains("port"), "{error}");
    }

    #[test]
    fn rejects_non_utf8_settings() {
        use std::os::unix::ffi::OsStringExt as _;
        let binary = OsString::from_vec(vec![0xff]);
        let sources = |name: &str| Sources {
            environment: vec![(name.into(), binary.clone())],
            flags: vec![("mode", "simulator".to_owned())],
            file: None,
        };
        let error = load(&sources("STRONGROOM_LOG__FILTER")).unwrap_err().to_string();
        assert_eq!(error, "STRONGROOM_LOG__FILTER: is not UTF-8");
        assert!(load(&sources("STRONGROOM_BIN")).is_ok());
        assert!(load(&sources("LESSOPEN")).is_ok());
    }

    #[test]
    fn validates_authority_settings() {
        let set = |value| simulator(&[("STRONGROOM_SIMULATOR__ACCESS_TOKEN_VERSION", value)], &[]);
        assert_eq!(set("2").unwrap().simulator.access_token_version, super::super::AccessTokenVersion::V2);
        assert!(set("3").unwrap_err().to_string().contains("there is no version 3"));
        let set = |value| simulator(&[("STRONGROOM_SIMULATOR__MANAGED_IDENTITY_LISTEN", value)], &[]);
        assert!(set("[::1]:0").is_ok());
        let error = set("192.0.2.1:80").unwrap_err().to_string();
        assert!(
            error.starts_with("simulator.managed_identity_listen: must be a loopback address"),
            "{error}"
        );
    }

    #[test]
    fn rejects_unknown_billing_plans() {
        let error = simulator(&[("STRONGROOM_BILLING__PLAN", "free")], &[]).unwrap_err().to_string();
        assert_eq!(
            error,
            "billing.plan: there is no plan free; the price list has managed-hsm, vault-premium"
        );
        assert!(simulator(&[("STRONGROOM_BILLING__PLAN", "vault-premium")], &[]).is_ok());
        let error = simulator(&[("STRONGROOM_BILLING__PLAN", "key-vault")], &[]).unwrap_err().to_string();
        assert_eq!(error, "billing.plan: this is a plan for vaults, not for managed HSMs");
        let error = simulator(&[("STRONGROOM_BILLING__PRICES_FILE", "nowhere.toml")], &[]).unwrap_err();
        assert!(error.to_string().contains("nowhere.toml cannot be read"), "{error}");
    }

    #[test]
    fn rejects_incomplete_gateway_configuration() {
        let error = load(&Sources::default()).unwrap_err().to_string();
        assert!(error.contains("token.module"), "{error}");
    }

    #[test]
    fn rejects_unknown_skus() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("strongroom.toml");
        let read = |sku: &str| {
            std::fs::write(
                &file,
                format!("mode = \"simulator\"\n[[hsm]]\nname = \"pay\"\nsku = \"{sku}\"\n"),
            )
            .unwrap();
            load(&Sources { file: Some(file.clone()), ..Sources::default() })
                .map_err(|error| error.to_string())
        };
        assert_eq!(read("CUSTOM_b32").unwrap().hsm[0].sku, "Custom_B32");
        let error = read("Standard").unwrap_err();
        assert!(error.contains("strongroom.toml") && error.contains("sku: the sku is one of"), "{error}");
    }
}
