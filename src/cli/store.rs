//! `strongroom store`: checks, migrates and copies the database while the service is stopped.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::Serialize;

use super::failure::{Failure, Outcome};
use super::serve::{ServeArgs, sources};
use super::{Context, output, table};
use crate::clock::Clock;
use crate::config::{self, Config, SecretSource};
use crate::server::{self, DirectoryLock};
use crate::store::{self, Inspection, Location, TableDigest};

/// Subcommands of `strongroom store`.
#[derive(Subcommand, Clone, Debug)]
pub enum StoreCommand {
    /// Read the whole database, and print its schema and the number of rows and the SHA-256 of each table
    Check(StoreArgs),
    /// Create the tables of the database, or bring them to the schema of this version
    Migrate(StoreArgs),
    /// Copy the database to another one, which must be empty, and compare both
    Copy(CopyArgs),
}

/// Selects the database, by the configuration.
#[derive(Args, Clone, Debug)]
pub struct StoreArgs {
    #[command(flatten)]
    serve: ServeArgs,
}

/// The databases to copy from and to.
#[derive(Args, Clone, Debug)]
pub struct CopyArgs {
    #[command(flatten)]
    from: StoreArgs,
    /// URL of a database of PostgreSQL without tables, or path of a file that does not exist
    #[arg(long, value_name = "URL|FILE")]
    to: String,
    /// File with the password of the database to copy to
    #[arg(long, value_name = "FILE")]
    to_password_file: Option<PathBuf>,
    /// Environment variable with the password of the database to copy to
    #[arg(long, value_name = "NAME", conflicts_with = "to_password_file")]
    to_password_env: Option<String>,
}

#[derive(Serialize)]
struct Checked {
    database: String,
    schema: i64,
    groups: u64,
    last_record: u64,
    tables: Vec<PrintedTable>,
}

#[derive(Serialize)]
struct Migrated {
    database: String,
    from: Option<i64>,
    to: i64,
}

#[derive(Serialize)]
struct Copied {
    from: String,
    to: String,
    tables: Vec<PrintedTable>,
}

#[derive(Serialize)]
struct PrintedTable {
    name: &'static str,
    rows: u64,
    sha256: String,
}

pub(super) async fn run(context: &Context, command: StoreCommand) -> Outcome {
    match command {
        StoreCommand::Check(args) => check(context, &args).await,
        StoreCommand::Migrate(args) => migrate(context, &args).await,
        StoreCommand::Copy(args) => copy(context, &args).await,
    }
}

async fn check(context: &Context, args: &StoreArgs) -> Outcome {
    let (config, location) = select(context, args)?;
    // A database of a server can be read while services use it.
    let _lock = match &location {
        Location::File(_) => lock(&config)?,
        Location::Postgres(_) => None,
    };
    let options = store::Options {
        control_plane_roles: config::control_plane_roles().map_err(failed)?,
        clock: Clock::default(),
        instance: server::store_instance(&config).map_err(failed_in_context)?,
        ..store::Options::default()
    };
    let roles = config::built_in_roles().map_err(failed)?;
    let found = store::inspect(location.clone(), roles, options).await.map_err(failed)?;
    let printed = Checked::new(&location, found);
    context.output.print(&printed, || printed.text())
}

async fn migrate(context: &Context, args: &StoreArgs) -> Outcome {
    let (config, location) = select(context, args)?;
    let _lock = Some(DirectoryLock::acquire(&config).map_err(failed_in_context)?);
    let (from, to) = store::migrate(location.clone()).await.map_err(failed)?;
    let printed = Migrated { database: location.to_string(), from, to };
    context.output.print(&printed, || {
        let before = from.map_or_else(|| "no schema".to_owned(), |from| format!("schema {from}"));
        format!("{location}: {before} before, schema {to} now\n")
    })
}

async fn copy(context: &Context, args: &CopyArgs) -> Outcome {
    let (config, from) = select(context, &args.from)?;
    let password = SecretSource {
        file: args.to_password_file.clone(),
        env: args.to_password_env.clone(),
        command: Vec::new(),
    };
    let to = if config::is_url_of_database(&args.to) {
        config::check_url("--to", &args.to).map_err(failed)?;
        Location::from(server::server_at("--to", &args.to, &password).map_err(failed_in_context)?)
    } else if password.is_empty() {
        Location::from(Path::new(&args.to))
    } else {
        return Err(Failure::Usage("a file has no password".to_owned()));
    };
    let _lock = lock(&config)?;
    let tables = store::copy(from.clone(), to.clone()).await.map_err(failed)?;
    let printed = Copied { from: from.to_string(), to: to.to_string(), tables: of(tables) };
    context.output.print(&printed, || text_of(&printed.tables))?;
    output::note(&match &to {
        Location::Postgres(_) => format!(
            "both databases are equal; set store.url in the configuration, and move {from} away, which the service does not use then"
        ),
        Location::File(_) => "both databases are equal".to_owned(),
    });
    Ok(())
}

/// Returns the configuration, and where its database is.
fn select(context: &Context, args: &StoreArgs) -> Outcome<(Config, Location)> {
    let config = config::load(&sources(&context.options, &args.serve)).map_err(|error| {
        Failure::problem(error.to_string()).hint(
            "the database is that of the configuration: --config FILE, or --dev for that of the simulator",
        )
    })?;
    let location = server::store_location(&config).map_err(failed_in_context)?;
    Ok((config, location))
}

/// Locks the data directory, if there is one, so that no service uses it meanwhile.
fn lock(config: &Config) -> Outcome<Option<DirectoryLock>> {
    if !config.data_dir.is_dir() {
        return Ok(None);
    }
    DirectoryLock::acquire(config).map(Some).map_err(failed_in_context)
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> Failure {
    failed_in_context(anyhow::Error::new(error))
}

fn failed_in_context(error: anyhow::Error) -> Failure {
    Failure::problem(format!("{error:#}"))
}

impl Checked {
    fn new(location: &Location, found: Inspection) -> Self {
        let Inspection { schema, groups, last_record, tables } = found;
        Self { database: location.to_string(), schema, groups, last_record, tables: of(tables) }
    }

    fn text(&self) -> String {
        let fields = table::fields(&[
            ("database", self.database.clone()),
            ("schema", self.schema.to_string()),
            ("groups of changes", self.groups.to_string()),
            ("last audit record", self.last_record.to_string()),
        ]);
        format!("{fields}\n{}", text_of(&self.tables))
    }
}

fn of(tables: Vec<TableDigest>) -> Vec<PrintedTable> {
    let printed = |TableDigest { name, rows, sha256 }| PrintedTable { name, rows, sha256 };
    tables.into_iter().map(printed).collect()
}

fn text_of(tables: &[PrintedTable]) -> String {
    let rows: Vec<Vec<String>> = tables
        .iter()
        .map(|table| vec![table.name.to_owned(), table.rows.to_string(), table.sha256.clone()])
        .collect();
    table::columns_right_aligned(&["TABLE", "ROWS", "SHA-256"], &rows, &[1])
}
