//! `strongroom hosts`: prints `/etc/hosts` entries for the simulator's host names.
//!
//! Subdomains of `localhost` mean this machine (RFC 6761, section 6.3), but of the common programs only curl resolves
//! them without an entry.

use std::net::IpAddr;
use std::str::FromStr;

use clap::Args;
use serde::Serialize;

use super::connection::{self, Connection, Hosts};
use super::failure::{Failure, Outcome};
use super::server_address::ServerAddress;
use super::{Context, hsm, output, vault};
use crate::model::container_id::{ContainerId, ContainerKind};
use crate::model::name::{HsmName, VaultName};

/// The comment that marks the entries, so that they can be found and removed.
const MARK: &str = "# strongroom";

/// Selects the host names.
#[derive(Args, Clone, Debug)]
pub struct HostsArgs {
    /// Managed HSMs and vaults (as vaults/NAME), existing or not [default: those that the server lists]
    #[arg(value_name = "CONTAINER")]
    containers: Vec<ContainerId>,
    /// Also print Azure's own host names, for clients with fixed endpoints; this machine then cannot reach Azure
    #[arg(long)]
    drop_in: bool,
}

/// An entry.
#[derive(Serialize)]
struct Line {
    address: IpAddr,
    names: Vec<String>,
}

/// Prints the entries.
pub(super) async fn run(context: &Context, args: HostsArgs) -> Outcome {
    let connection = connection::load_required(&context.options.data_dir())?;
    let Some(hosts) = &connection.hosts else {
        return Err(Failure::problem("connection.json has no host names")
            .hint("restart the server to rewrite the file"));
    };
    let server = ServerAddress::parse(&connection.endpoint)?;
    let containers =
        if args.containers.is_empty() { existing(context, &connection).await? } else { args.containers };
    let address = server.resolve().await?;
    if args.drop_in && address.port() != 443 {
        let port = address.port();
        output::note(&format!(
            "clients use Azure's host names with port 443, but the simulator listens on port {port}"
        ));
    }
    let lines: Vec<Line> = groups(hosts, &containers, args.drop_in)
        .into_iter()
        .map(|names| Line { address: address.ip(), names })
        .collect();
    context.output.print(&lines, || {
        let text = |line: &Line| format!("{} {} {MARK}\n", line.address, line.names.join(" "));
        lines.iter().map(text).collect()
    })
}

/// Lists the managed HSMs and the vaults of the subscription.
async fn existing(context: &Context, connection: &Connection) -> Outcome<Vec<ContainerId>> {
    let hint = "name the managed HSMs and vaults (`strongroom hosts local vaults/demo`) to print entries without asking the \
                server";
    let session = context.connect_control().await.map_err(|failure| failure.hint(hint))?;
    let parent = format!("subscriptions/{}", connection.subscription_id);
    let hsms = hsm::fetch_all(&session, &parent).await.map_err(|failure| failure.hint(hint))?;
    let hsms = hsms.into_iter().map(|hsm| container::<HsmName>(&hsm.name));
    // Some roles permit listing managed HSMs only.
    let vaults = match vault::fetch_all(&session, &parent).await {
        Ok(vaults) => vaults,
        Err(_) => {
            output::note("vaults are left out: the principal may not list them");
            Vec::new()
        }
    };
    let vaults = vaults.into_iter().map(|vault| container::<VaultName>(&vault.name));
    hsms.chain(vaults).collect()
}

/// Returns the container of a resource name on the control plane.
fn container<N>(resource: &str) -> Outcome<ContainerId>
where
    N: FromStr<Err: Into<Failure>> + Into<ContainerId>,
{
    let name = resource.rsplit('/').next().unwrap_or_default();
    name.parse::<N>().map(Into::into).map_err(Into::into)
}

/// Returns the host names of each entry: first the shared services, then each container. Strongroom's own names precede
/// Azure's.
fn groups(hosts: &Hosts, containers: &[ContainerId], drop_in: bool) -> Vec<Vec<String>> {
    let kinds = if drop_in { usize::MAX } else { 1 };
    let mut services: Vec<String> =
        hosts.authority.iter().take(kinds).chain(hosts.management.iter().take(kinds)).cloned().collect();
    if drop_in {
        services.push(hosts.graph.clone());
    }
    let of = |container: &ContainerId| {
        let suffixes = match container.kind() {
            ContainerKind::ManagedHsm => &hosts.data_plane,
            ContainerKind::Vault => &hosts.vaults,
        };
        suffixes.iter().take(kinds).map(|suffix| format!("{}.{suffix}", container.name())).collect()
    };
    std::iter::once(services).chain(containers.iter().map(of)).collect()
}
