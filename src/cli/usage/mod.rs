//! `strongroom usage`: costs, forecasts and budgets of managed HSMs and vaults.

mod budget;
mod export;
mod forecast;
mod list;
mod statement;

use clap::{Args, Subcommand};

use super::Context;
use super::container::group;
use super::failure::{Failure, Outcome};
use super::session::Session;
use super::time_argument;
use crate::model::Timestamp;
use crate::model::resource::ResourceGroupName;

use budget::BudgetCommand;
use export::ExportArgs;
use forecast::ForecastArgs;
use statement::StatementArgs;

/// Subcommands of `strongroom usage`.
#[derive(Subcommand, Clone, Debug)]
pub enum UsageCommand {
    /// Show the costs of a period, line by line
    Statement(StatementArgs),
    /// Forecast the costs of a managed HSM or vault, and the savings of purging it now
    Forecast(ForecastArgs),
    /// List the usage records that statements are computed from
    List(PeriodArgs),
    /// Export daily costs with the columns of FOCUS 1.0
    Export(ExportArgs),
    /// Manage budgets
    #[command(subcommand)]
    Budget(BudgetCommand),
}

/// The period and the scope.
#[derive(Args, Clone, Debug)]
pub struct PeriodArgs {
    /// Start of the period: 2027-01-01 or RFC 3339 [default: the first of this month]
    #[arg(long, value_parser = time_argument::parse, value_name = "TIME")]
    from: Option<Timestamp>,
    /// End of the period, exclusive [default: the first of next month]
    #[arg(long, value_parser = time_argument::parse, value_name = "TIME")]
    to: Option<Timestamp>,
    /// Resource group [default: all, or that of the simulator if --hsm or --vault is set]
    #[arg(long, value_name = "NAME")]
    resource_group: Option<ResourceGroupName>,
    /// Include all managed HSMs and vaults, even if one is selected by an option or the environment
    #[arg(long)]
    all: bool,
}

impl PeriodArgs {
    /// Returns the resource name of the scope: the selected managed HSM or vault, a resource group, or the subscription.
    fn parent(&self, context: &Context, session: &Session) -> Outcome<String> {
        if !self.all && selects_container(context) {
            return container(context, session, self.resource_group.as_ref());
        }
        let subscription = format!("subscriptions/{}", session.subscription()?);
        let group = |group: &ResourceGroupName| format!("{subscription}/resourceGroups/{group}");
        Ok(self.resource_group.as_ref().map_or(subscription.clone(), group))
    }
}

/// Whether an option or a variable of the environment selects a managed HSM or a vault.
fn selects_container(context: &Context) -> bool {
    context.options.containers.hsm.is_some() || context.options.containers.vault.is_some()
}

/// Returns the resource name of the selected managed HSM or vault; without a selection, of the default managed HSM.
fn container(context: &Context, session: &Session, named: Option<&ResourceGroupName>) -> Outcome<String> {
    let selected = &context.options.containers;
    let container = match (&selected.hsm, &selected.vault) {
        (Some(hsm), Some(vault)) => {
            let both = format!("both a managed HSM ({hsm}) and a vault ({vault}) are selected");
            return Err(Failure::problem(both).hint("unset --hsm or --vault, and their variables"));
        }
        (None, Some(vault)) => format!("vaults/{vault}"),
        (_, None) => format!("managedHsms/{}", session.hsm()?),
    };
    Ok(format!("{}/{container}", group(session, named)?))
}

/// Runs the subcommand.
pub(super) async fn run(context: &Context, command: UsageCommand) -> Outcome {
    match command {
        UsageCommand::Statement(args) => statement::run(context, args).await,
        UsageCommand::Forecast(args) => forecast::run(context, args).await,
        UsageCommand::List(args) => list::run(context, args).await,
        UsageCommand::Export(args) => export::run(context, args).await,
        UsageCommand::Budget(command) => budget::run(context, command).await,
    }
}
