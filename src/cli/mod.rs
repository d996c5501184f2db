//! The command-line program: the gRPC client commands, and `strongroom serve`.

mod access;
mod audit;
mod authority;
mod backup;
mod backup_job;
mod certificate;
mod clock;
mod completions;
mod config;
mod connect_error;
mod connection;
mod container;
mod containers;
mod control;
mod digest;
mod doctor;
mod env;
mod failure;
mod group;
mod healthcheck;
mod hosts;
mod hsm;
mod input;
mod jwk;
mod key;
mod location;
mod manual;
mod names;
mod object_view;
mod options;
mod output;
mod plane;
mod private_key;
mod prompt;
mod random;
mod role;
mod secret;
mod security_domain;
mod serve;
mod server_address;
mod session;
mod setting;
mod store;
mod subscription;
mod table;
mod time_argument;
mod token;
mod token_worker;
mod top;
mod usage;
mod vault;
mod vault_object;
mod watch;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use access::AccessCommand;
pub use audit::AuditCommand;
pub use backup::{BackupCommand, RestoreCommand};
pub use certificate::CertificateCommand;
pub use clock::ClockCommand;
pub use completions::CompletionsArgs;
pub use config::ConfigCommand;
pub use control::ControlCommand;
pub use doctor::DoctorArgs;
pub use env::EnvArgs;
pub use group::GroupCommand;
pub use hosts::HostsArgs;
pub use hsm::HsmCommand;
pub use key::KeyCommand;
pub use location::LocationCommand;
pub use manual::ManualArgs;
pub use options::{Format, Options};
pub use random::RandomArgs;
pub use role::RoleCommand;
pub use secret::SecretCommand;
pub use security_domain::SecurityDomainCommand;
pub use serve::ServeArgs;
pub use setting::SettingCommand;
pub use store::StoreCommand;
pub use subscription::SubscriptionCommand;
pub use token::TokenArgs;
pub use token_worker::TokenWorkerArgs;
pub use top::TopArgs;
pub use usage::UsageCommand;
pub use vault::VaultCommand;
pub use watch::WatchArgs;

use failure::{Failure, Outcome};
use names::KeyRef;
use output::Output;
use plane::Plane;
use session::Session;

use crate::model::container_id::{ContainerId, ContainerKind};

/// A Managed HSM you can run yourself.
#[derive(Debug, Parser)]
#[command(name = "strongroom", version, arg_required_else_help = true)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub options: Options,
    /// The command to run.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Manage keys and perform cryptographic operations
    #[command(subcommand)]
    Key(Box<KeyCommand>),
    /// Create, activate, update, delete and recover managed HSMs
    #[command(subcommand)]
    Hsm(Box<HsmCommand>),
    /// Create, update, delete and recover vaults, and manage their access policies
    #[command(subcommand)]
    Vault(Box<VaultCommand>),
    /// Store, read, update, delete and recover the secrets of a vault
    #[command(subcommand)]
    Secret(Box<SecretCommand>),
    /// Create, import, merge, delete and recover the certificates of a vault, and manage their contacts and issuers
    #[command(subcommand)]
    Certificate(Box<CertificateCommand>),
    /// Manage role definitions and role assignments of a managed HSM (local RBAC)
    #[command(subcommand)]
    Role(RoleCommand),
    /// Show and update the settings of a managed HSM
    #[command(subcommand)]
    Setting(SettingCommand),
    /// Check which data actions a principal is granted (local RBAC)
    #[command(subcommand)]
    Access(AccessCommand),
    /// Show and update subscriptions
    #[command(subcommand)]
    Subscription(SubscriptionCommand),
    /// Manage resource groups, which contain managed HSMs and vaults
    #[command(subcommand)]
    Group(GroupCommand),
    /// List the locations of resources
    #[command(subcommand)]
    Location(LocationCommand),
    /// Manage ARM role assignments
    #[command(subcommand)]
    Control(ControlCommand),
    /// Show costs and forecasts of managed HSMs, and manage budgets
    #[command(subcommand)]
    Usage(Box<UsageCommand>),
    /// Show and control the clock of the service
    #[command(subcommand)]
    Clock(ClockCommand),
    /// Print lifecycle events of keys, secrets, certificates, managed HSMs, vaults or budgets as they occur
    Watch(WatchArgs),
    /// Generate random bytes on the token
    Random(RandomArgs),
    /// Print an access token for a principal of the simulator
    Token(TokenArgs),
    /// Print the environment variables that connect Azure SDKs to the simulator, including secrets
    Env(EnvArgs),
    /// Print /etc/hosts entries for the simulator's host names
    Hosts(HostsArgs),
    /// Print a shell completion script
    Completions(CompletionsArgs),
    /// Write manual pages to a directory (for packaging)
    #[command(hide = true)]
    Manual(ManualArgs),
    /// Run the service
    Serve(ServeArgs),
    /// Run a worker process (started by the service)
    #[command(hide = true)]
    TokenWorker(TokenWorkerArgs),
    /// Check or print the configuration without running the service
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Check, migrate or copy the database while the service is stopped
    #[command(subcommand)]
    Store(Box<StoreCommand>),
    /// Verify or export the audit log, print its signed head, or list its records
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Back up a managed HSM as a whole
    #[command(subcommand)]
    Backup(BackupCommand),
    /// Restore a managed HSM, or one key, from the backup of an HSM
    #[command(subcommand)]
    Restore(RestoreCommand),
    /// Show and restore security domain files, offline
    #[command(subcommand)]
    SecurityDomain(SecurityDomainCommand),
    /// Report the capabilities of a PKCS#11 module
    Doctor(DoctorArgs),
    /// Show rates, latencies, workers, tokens and due work of a running service, live
    Top(TopArgs),
    /// Check whether a running service is healthy (for containers and supervisors)
    Healthcheck,
}

/// The options and the output shared by all client commands.
struct Context {
    options: Options,
    output: Output,
}

impl Context {
    /// Connects to the data plane. Commands connect after they have read their input, so that input errors are
    /// reported first.
    async fn connect(&self) -> Outcome<Session> {
        self.connect_to(Plane::Data).await
    }

    /// Connects to the data plane of vaults.
    async fn connect_vault(&self) -> Outcome<Session> {
        self.connect_to(Plane::Vault).await
    }

    /// Connects to the container of a key: that of its resource name, else a vault if an argument names one, else a managed HSM.
    async fn connect_to_key(&self, key: Option<&KeyRef>) -> Outcome<Session> {
        let selected = self.options.containers.kind_for_keys()?;
        let named = key.and_then(|key| key.container.as_ref()).map(ContainerId::kind);
        match named.unwrap_or(selected) {
            ContainerKind::ManagedHsm => self.connect().await,
            ContainerKind::Vault => self.connect_vault().await,
        }
    }

    /// Connects to the control plane.
    async fn connect_control(&self) -> Outcome<Session> {
        self.connect_to(Plane::Control).await
    }

    /// Connects with an access token for this plane.
    async fn connect_to(&self, plane: Plane) -> Outcome<Session> {
        Session::open(&self.options, plane).await
    }
}

/// Runs a command. Results are written to standard output, everything else to standard error.
///
/// The exit code is 0 on success, 1 on failure or a negative result (invalid signature, access denied), and 2 on a
/// usage error.
pub fn run(cli: Cli) -> ExitCode {
    match cli.command {
        Command::Serve(args) => serve::run(&cli.options, args),
        Command::Doctor(args) => doctor::run(&cli.options, &args),
        Command::TokenWorker(args) => token_worker::run(&args),
        command => match tokio::runtime::Runtime::new() {
            Ok(runtime) => runtime.block_on(run_client(cli.options, command)),
            Err(error) => Failure::problem(format!("cannot start the async runtime: {error}")).report(),
        },
    }
}

async fn run_client(options: Options, command: Command) -> ExitCode {
    let output = Output::new(options.output);
    let context = Context { options, output };
    let outcome = match command {
        Command::Key(command) => key::run(&context, *command).await,
        Command::Hsm(command) => hsm::run(&context, *command).await,
        Command::Vault(command) => vault::run(&context, *command).await,
        Command::Secret(command) => secret::run(&context, *command).await,
        Command::Certificate(command) => certificate::run(&context, *command).await,
        Command::Role(command) => role::run(&context, command).await,
        Command::Setting(command) => setting::run(&context, command).await,
        Command::Access(command) => access::run(&context, command).await,
        Command::Subscription(command) => subscription::run(&context, command).await,
        Command::Group(command) => group::run(&context, command).await,
        Command::Location(command) => location::run(&context, command).await,
        Command::Control(command) => control::run(&context, command).await,
        Command::Usage(command) => usage::run(&context, *command).await,
        Command::Clock(command) => clock::run(&context, command).await,
        Command::Watch(args) => watch::run(&context, args).await,
        Command::Random(args) => random::run(&context, args).await,
        Command::Token(args) => token::run(&context, &args).await,
        Command::Env(args) => env::run(&context, &args),
        Command::Hosts(args) => hosts::run(&context, args).await,
        Command::Completions(args) => completions::run(&context, &args),
        Command::Manual(args) => manual::run(&context, &args),
        Command::Config(command) => config::run(&context, command),
        Command::Store(command) => store::run(&context, *command).await,
        Command::Audit(command) => audit::run(&context, command).await,
        Command::Backup(command) => backup::backup(&context, command).await,
        Command::Restore(command) => backup::restore(&context, command).await,
        Command::SecurityDomain(command) => security_domain::run(&context, command).await,
        Command::Top(args) => top::run(&context, args).await,
        Command::Healthcheck => healthcheck::run(&context).await,
        Command::Serve(_) | Command::Doctor(_) | Command::TokenWorker(_) => Ok(()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn command_definitions_are_valid() {
        Cli::command().debug_assert();
    }

    #[test]
    fn documented_command_lines_parse() {
        for line in [
            "key create invoices --kty EC-HSM --curve P-256",
            "key create archive --kty RSA-HSM --size 3072 --ops sign,verify --tag team=billing --expires 2027-01-01",
            "--output json key sign invoices --alg ES256 --file invoice.pdf",
            "key sign invoices --alg ES256 --file invoice.pdf --output json --as crypto-user",
            "key verify invoices --alg ES256 --file invoice.pdf --signature signature.json",
            "--as crypto-user key delete invoices",
            "--as crypto-officer key recover invoices",
            "key encrypt data --alg A256GCM --file - --aad AQID --out sealed.bin",
            "key decrypt data --alg A256GCM --file sealed.json",
            "key wrap data --alg A256KW --value AAAAAAAAAAAAAAAAAAAAAA",
            "key update hsms/local/keys/invoices --enabled false --clear-expires",
            "key create invoices --vault demo --kty RSA",
            "key sign vaults/demo/keys/invoices --alg RS256 --file invoice.pdf",
            "role assignment create --role crypto-user --assignee dev --scope /keys/x",
            "--as administrator setting update AllowKeyManagementOperationsThroughARM true",
            "access check --principal crypto-officer --action keys/sign --scope /keys/invoices",
            "hsm create payroll --retention-days 7 --administrator administrator --purge-protection",
            "--as contributor hsm delete payroll",
            "--as contributor hsm list-deleted",
            "--as owner usage forecast --hsm payroll",
            "hsm update payroll --tag team=billing",
            "hsm update payroll --public-network-access disabled",
            "vault update payroll --clear-tags",
            "vault create payroll --retention-days 7 --purge-protection --sku Premium --access-policies",
            "vault update payroll --permission-model access-policies --ip-rule 203.0.113.0/24",
            "vault policy set payroll --principal crypto-user --keys get,list --secrets=",
            "vault policy delete payroll --principal crypto-user --application 57a6fa86-5ca6-5419-900e-a5be23357152",
            "--as owner vault purge payroll --location localhost",
            "secret set password --value -x --content-type text/plain --tag team=web --expires 2027-01-01",
            "secret set password --file password.txt --not-before 2027-01-01 --disabled --vault payroll",
            "secret set password",
            "secret show password --version 75f0e58fa686411f25e386edb8c4879c --raw",
            "secret show vaults/payroll/secrets/password --out password.txt",
            "secret update password --enabled false --clear-expires",
            "--as crypto-user secret purge password",
            "certificate create web --subject CN=www.example.com --dns www.example.com --kty EC --curve P-256 --months 3",
            "certificate create web --policy policy.json --tag team=web --disabled",
            "certificate create web --subject CN=a --issuer Unknown --csr web.csr --exportable false --days-before-expiry 30",
            "certificate create web",
            "certificate import web --file web.pfx --password-file password.txt --content-type application/x-pem-file",
            "certificate import web --file - --ask-password",
            "certificate merge web --file chain.pem --file root.der",
            "certificate show vaults/payroll/certificates/web --out web.pem",
            "certificate show web --out web.der --format der --version 75f0e58fa686411f25e386edb8c4879c",
            "certificate list --include-pending --vault payroll",
            "certificate update web --enabled false --clear-tags",
            "certificate policy set web --months 24 --subject CN=a",
            "certificate operation csr web --out web.csr",
            "certificate contacts set --contact a@example.com,Jo,555",
            "certificate issuer set acme --provider DigiCert --account-id 7 --administrator jo@example.com",
            "--as crypto-user certificate purge web",
            "token --plane vault",
            "--as owner usage statement --from 2027-01-01 --to 2027-02-01",
            "usage statement --plan vault-premium --resource-group dev --all",
            "usage export --format json --file usage.json",
            "token --as crypto-user",
            "token --plane control --as owner",
            "watch",
            "watch --since 17 --count 2 --output json --hsm payroll",
            "--as owner watch --hsms --since 0 --until-now",
            "env",
            "env --as crypto-user --dotenv",
            "--as owner env --json --certificate",
            "env --shell --managed-identity",
            "store check --config /etc/strongroom.toml",
            "store copy --dev --to postgres:///strongroom?host=/run/postgresql --to-password-file password",
            "audit verify --from 5 --to 9 --head head.json",
            "audit verify --directory east/audit --directory west/audit --head east.json --head west.json",
            "audit verify --export records.jsonl --key kid",
            "audit export --directory east --directory west --from 2027-01-01 --to 2027-02-01 --file records.jsonl",
            "audit head --output json",
            "security-domain inspect sd.json",
            "security-domain restore-blob --sd-file sd.json --sd-exchange-key e.pem --sd-wrapping-keys a.pem b.pem \
             --passwords one two --sd-file-restore-blob blob.json",
            "hosts",
            "hosts local payroll --drop-in",
            "random 32 --hsm local --timeout 5",
            "completions bash",
        ] {
            let args = std::iter::once("strongroom").chain(line.split(' '));
            if let Err(error) = Cli::try_parse_from(args) {
                panic!("{line}: {error}");
            }
        }
    }

    #[test]
    fn invalid_arguments_are_usage_errors() {
        for line in [
            "key create in_voices --kty EC-HSM",
            "key create invoices --kty DSA",
            "key create invoices --kty EC-HSM --ops sing",
            "key create invoices --kty EC-HSM --tag novalue",
            "key create invoices --kty EC-HSM --expires tomorrow",
            "key sign invoices --alg ES256",
            "key sign invoices --alg ES257 --file f",
            "key update invoices",
            "hsm create payroll --retention-days 6 --administrator administrator",
            "hsm create payroll --retention-days 91 --administrator administrator",
            "hsm create payroll",
            "hsm update payroll",
            "vault create payroll --retention-days 6",
            "vault create payroll --sku Standard_B1",
            "vault create no--name",
            "vault update payroll",
            "vault policy set payroll --principal crypto-user",
            "vault policy add payroll --keys get",
            "secret set pass_word --value x",
            "secret set password --value x --file f",
            "secret show password --raw --out f",
            "secret update password",
            "secret list --vault a",
            "certificate create web --kty DSA --subject CN=a",
            "certificate create web --subject CN=a --days-before-expiry 3 --lifetime-percentage 3",
            "certificate import web",
            "certificate import web --file f --password-file p --ask-password",
            "certificate merge web",
            "certificate update web",
            "certificate issuer update acme",
            "certificate issuer set Self:x --provider a",
            "certificate contacts set",
            "env --json --dotenv",
            "env --certificate --managed-identity",
            "hosts a_b",
            "setting update AllowKeyManagementOperationsThroughARM",
            "watch --count 0",
            "random 129",
            "random 0",
            "access check --principal dev --action keys/sing --scope /keys",
            "role assignment create --role r --assignee a --scope keys",
        ] {
            let args = std::iter::once("strongroom").chain(line.split(' '));
            let error = Cli::try_parse_from(args).expect_err(line);
            assert_eq!(error.exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn debug_output_hides_access_tokens() {
        for option in ["--token", "--management-token", "--vault-token"] {
            let cli = Cli::try_parse_from(["strongroom", option, "eyJsecret", "token"]).unwrap();
            assert!(!format!("{cli:?}").contains("eyJsecret"), "{option}");
        }
    }

    #[test]
    fn debug_output_hides_values_of_secrets() {
        let cli =
            Cli::try_parse_from(["strongroom", "secret", "set", "password", "--value", "hunter2"]).unwrap();
        assert!(!format!("{cli:?}").contains("hunter2"));
    }
}
