//! The options that name a managed HSM and a vault, and the choice between them for keys.

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches};

use super::failure::{Failure, Outcome};
use crate::model::container_id::ContainerKind;
use crate::model::name::{HsmName, VaultName};

/// The options as the command line declares them.
#[derive(Args)]
struct Declared {
    /// Name of the managed HSM
    #[arg(long, global = true, env = "STRONGROOM_HSM", value_name = "NAME", help_heading = "Connection")]
    hsm: Option<HsmName>,
    /// Name of the vault; commands for keys use it only if it is given as an argument
    #[arg(long, global = true, env = "STRONGROOM_VAULT", value_name = "NAME", help_heading = "Connection")]
    vault: Option<VaultName>,
}

/// The managed HSM and the vault that the caller names, by arguments or by environment variables.
#[derive(Clone, Debug)]
pub struct Containers {
    /// The managed HSM.
    pub hsm: Option<HsmName>,
    /// The vault.
    pub vault: Option<VaultName>,
    hsm_is_argument: bool,
    vault_is_argument: bool,
}

impl Containers {
    /// Returns the kind of container that commands for keys address: a vault if an argument names one. The environment does not
    /// decide, because it may name both.
    ///
    /// # Errors
    /// `Usage` if arguments name both.
    pub(crate) fn kind_for_keys(&self) -> Outcome<ContainerKind> {
        match (self.hsm_is_argument, self.vault_is_argument) {
            (true, true) => {
                Err(Failure::Usage("a key is in a managed HSM or in a vault: give --hsm or --vault".into()))
            }
            (_, true) => Ok(ContainerKind::Vault),
            (_, false) => Ok(ContainerKind::ManagedHsm),
        }
    }
}

impl FromArgMatches for Containers {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let Declared { hsm, vault } = Declared::from_arg_matches(matches)?;
        let is_argument = |name| matches.value_source(name) == Some(ValueSource::CommandLine);
        Ok(Self { hsm, vault, hsm_is_argument: is_argument("hsm"), vault_is_argument: is_argument("vault") })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for Containers {
    fn augment_args(command: Command) -> Command {
        Declared::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Declared::augment_args_for_update(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(arguments: &[&str]) -> Outcome<ContainerKind> {
        let command = Containers::augment_args(Command::new("strongroom"));
        let matches = command.try_get_matches_from([&["strongroom"], arguments].concat()).unwrap();
        Containers::from_arg_matches(&matches).unwrap().kind_for_keys()
    }

    #[test]
    fn argument_selects_the_container_of_keys() {
        assert!(matches!(kind(&[]), Ok(ContainerKind::ManagedHsm)));
        assert!(matches!(kind(&["--hsm", "local"]), Ok(ContainerKind::ManagedHsm)));
        assert!(matches!(kind(&["--vault", "demo"]), Ok(ContainerKind::Vault)));
        assert!(matches!(kind(&["--hsm", "local", "--vault", "demo"]), Err(Failure::Usage(_))));
    }
}
