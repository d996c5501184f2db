//! The command line: a gRPC client with good manners.

mod access;
mod audit;
mod authority;
mod clock;
mod completions;
mod config;
mod connection;
mod control;
mod der;
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
mod options;
mod output;
mod private_key;
mod random;
mod reach;
mod role;
mod serve;
mod server_address;
mod session;
mod setting;
mod subscription;
mod table;
mod token;
mod usage;
mod watch;
mod when;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use access::AccessCommand;
pub use audit::AuditCommand;
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
pub use serve::ServeArgs;
pub use setting::SettingCommand;
pub use subscription::SubscriptionCommand;
pub use token::TokenArgs;
pub use usage::UsageCommand;
pub use watch::WatchArgs;

use failure::{Failure, Outcome};
use output::Output;
use session::{Plane, Session};

/// A Managed HSM you can run yourself.
#[derive(Debug, Parser)]
#[command(name = "strongroom", version, arg_required_else_help = true)]
pub struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub options: Options,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make, use and delete keys
    #[command(subcommand)]
    Key(Box<KeyCommand>),
    /// Make, delete and recover managed HSMs
    #[command(subcommand)]
    Hsm(Box<HsmCommand>),
    /// Define roles and assign them
    #[command(subcommand)]
    Role(RoleCommand),
    /// See and change the settings of a managed HSM
    #[command(subcommand)]
    Setting(SettingCommand),
    /// Ask who may do what
    #[command(subcommand)]
    Access(AccessCommand),
    /// See what pays for managed HSMs
    #[command(subcommand)]
    Subscription(SubscriptionCommand),
    /// Make and delete resource groups, which hold managed HSMs
    #[command(subcommand)]
    Group(GroupCommand),
    /// See where resources can be
    #[command(subcommand)]
    Location(LocationCommand),
    /// Say who may manage managed HSMs as resources
    #[command(subcommand)]
    Control(ControlCommand),
    /// See what managed HSMs cost, and will cost
    #[command(subcommand)]
    Usage(Box<UsageCommand>),
    /// Read and turn the simulator's clock
    #[command(subcommand)]
    Clock(ClockCommand),
    /// Print what becomes of keys, managed HSMs or budgets, as it happens
    Watch(WatchArgs),
    /// Get random bytes from the token
    Random(RandomArgs),
    /// Print a bearer token for a principal of the simulator
    Token(TokenArgs),
    /// Print what Azure's SDKs need in their environment to meet the simulator, secrets included
    Env(EnvArgs),
    /// Print the lines for /etc/hosts by which other programs find the simulator
    Hosts(HostsArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Write the manual pages into a directory; for packages
    #[command(hide = true)]
    Manual(ManualArgs),
    /// Run the service
    Serve(ServeArgs),
    /// Read the configuration without serving
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Check the audit log, and print what is signed of it
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Measure what a PKCS#11 module can do
    Doctor(DoctorArgs),
    /// Ask a running service whether it is well; for containers and supervisors
    Healthcheck,
}

/// What a command has at hand.
struct Context {
    options: Options,
    output: Output,
}

impl Context {
    /// Opens the connection to the data planes. Commands do this after they have read their input, so that what is
    /// wrong with the input is said first.
    async fn connect(&self) -> Outcome<Session> {
        self.connect_to(Plane::Data).await
    }

    /// The same to the control plane.
    async fn connect_control(&self) -> Outcome<Session> {
        self.connect_to(Plane::Control).await
    }

    /// Opens the connection with a token for this plane.
    async fn connect_to(&self, plane: Plane) -> Outcome<Session> {
        Session::open(&self.options, plane).await
    }
}

/// Runs a client command. Results go to standard output, everything else to standard error.
///
/// The exit code is 0 where the work was done, 1 where it failed or the answer is no, and 2 where the
/// command line makes no sense.
pub fn run(cli: Cli) -> ExitCode {
    match cli.command {
        Command::Serve(args) => serve::run(&cli.options, args),
        Command::Doctor(args) => doctor::run(&cli.options, &args),
        command => match tokio::runtime::Runtime::new() {
            Ok(runtime) => runtime.block_on(run_client(cli.options, command)),
            Err(error) => Failure::problem(format!("the runtime does not start: {error}")).report(),
        },
    }
}

async fn run_client(options: Options, command: Command) -> ExitCode {
    let output = Output::new(options.output);
    let context = Context { options, output };
    let outcome = match command {
        Command::Key(command) => key::run(&context, *command).await,
        Command::Hsm(command) => hsm::run(&context, *command).await,
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
        Command::Audit(command) => audit::run(&context, &command),
        Command::Healthcheck => healthcheck::run(&context).await,
        Command::Serve(_) | Command::Doctor(_) => Ok(()),
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
    fn the_tree_of_commands_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_lines_of_the_manual_are_understood() {
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
            "role assignment create --role crypto-user --assignee dev --scope /keys/x",
            "--as administrator setting update AllowKeyManagementOperationsThroughARM true",
            "access check --principal crypto-officer --action keys/sign --scope /keys/invoices",
            "hsm create payroll --retention-days 7 --administrator administrator --purge-protection",
            "--as contributor hsm delete payroll",
            "--as contributor hsm list-deleted",
            "--as owner usage forecast --hsm payroll",
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
            "audit verify --from 5 --to 9 --head kept.json",
            "audit head --output json",
            "hosts",
            "hosts local payroll --drop-in",
            "random 32 --hsm local --timeout 5",
            "completions bash",
        ] {
            let words = std::iter::once("strongroom").chain(line.split(' '));
            if let Err(error) = Cli::try_parse_from(words) {
                panic!("{line}: {error}");
            }
        }
    }

    #[test]
    fn nonsense_is_a_usage_error() {
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
            let words = std::iter::once("strongroom").chain(line.split(' '));
            let error = Cli::try_parse_from(words).expect_err(line);
            assert_eq!(error.exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn a_bearer_token_is_not_printed() {
        let cli = Cli::try_parse_from(["strongroom", "--token", "eyJsecret", "token"]).unwrap();
        assert!(!format!("{cli:?}").contains("eyJsecret"));
    }
}
