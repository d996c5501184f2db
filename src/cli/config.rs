//! `strongroom config`: checks and prints the configuration without running the service.

use clap::{Args, Subcommand};

use super::Context;
use super::failure::{Failure, Outcome};
use super::output;
use super::serve::{ServeArgs, sources, unknown_variables_warning};
use crate::config::load;

/// Subcommands of `strongroom config`.
#[derive(Subcommand, Clone, Debug)]
pub enum ConfigCommand {
    /// Check whether the configuration is valid
    Check(ConfigArgs),
    /// Print the configuration with all defaults filled in
    Show(ConfigArgs),
}

/// Selects the configuration.
#[derive(Args, Clone, Debug)]
pub struct ConfigArgs {
    #[command(flatten)]
    serve: ServeArgs,
}

/// Loads the configuration, and prints it for `show`. It contains no secrets: PINs are given by their source.
pub(super) fn run(context: &Context, command: ConfigCommand) -> Outcome {
    let (args, show) = match command {
        ConfigCommand::Check(args) => (args, false),
        ConfigCommand::Show(args) => (args, true),
    };
    let sources = sources(&context.options, &args.serve);
    let config = load(&sources).map_err(|error| Failure::problem(error.to_string()))?;
    if let Some(text) = unknown_variables_warning(&sources) {
        output::note(&text);
    }
    if !show {
        output::note("the configuration is valid");
        return Ok(());
    }
    let text = toml::to_string_pretty(&config)
        .map_err(|error| Failure::problem(format!("cannot serialize the configuration: {error}")))?;
    context.output.print(&config, || text)
}
