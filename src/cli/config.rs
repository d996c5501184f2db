//! `config`: reads the configuration without serving.

use clap::{Args, Subcommand};

use super::Context;
use super::failure::{Failure, Outcome};
use super::output;
use super::serve::{ServeArgs, sources, unread_variables};
use crate::config::load;

/// Reads the configuration without serving.
#[derive(Subcommand, Clone, Debug)]
pub enum ConfigCommand {
    /// Say whether the configuration can be used
    Check(ConfigArgs),
    /// Print the configuration with everything that is not said filled in
    Show(ConfigArgs),
}

/// Which configuration.
#[derive(Args, Clone, Debug)]
pub struct ConfigArgs {
    #[command(flatten)]
    serve: ServeArgs,
}

/// Reads the configuration and tells about it. It holds no secrets: PINs are named by their source.
pub(super) fn run(context: &Context, command: ConfigCommand) -> Outcome {
    let (args, show) = match command {
        ConfigCommand::Check(args) => (args, false),
        ConfigCommand::Show(args) => (args, true),
    };
    let sources = sources(&context.options, &args.serve);
    let config = load(&sources).map_err(|error| Failure::problem(error.to_string()))?;
    if let Some(text) = unread_variables(&sources) {
        output::note(&text);
    }
    if !show {
        output::note("the configuration can be used");
        return Ok(());
    }
    let text = toml::to_string_pretty(&config)
        .map_err(|error| Failure::problem(format!("the configuration cannot be printed: {error}")))?;
    context.output.print(&config, || text)
}
