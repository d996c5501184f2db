//! `strongroom hosts`: the lines for `/etc/hosts` by which programs find the parts of the simulator.
//!
//! Names under `.localhost` mean this machine (RFC 6761, section 6.3), but of common programs only curl knows.

use std::net::IpAddr;

use clap::Args;
use serde::Serialize;

use super::connection::{self, Connection, Hosts};
use super::failure::{Failure, Outcome};
use super::server_address::ServerAddress;
use super::{Context, hsm, output};
use crate::api::grpc::pb;
use crate::model::name::HsmName;

/// By this the lines can be found again, and taken out.
const MARK: &str = "# strongroom";

/// Which names.
#[derive(Args, Clone, Debug)]
pub struct HostsArgs {
    /// Managed HSMs, whether they are there or not; without any, the server is asked which there are
    #[arg(value_name = "HSM")]
    hsms: Vec<HsmName>,
    /// Also Azure's own names, so that clients that know no others end up here; this machine then cannot reach Azure
    #[arg(long)]
    drop_in: bool,
}

/// A line.
#[derive(Serialize)]
struct Line {
    address: IpAddr,
    names: Vec<String>,
}

/// Prints the lines.
pub(super) async fn run(context: &Context, args: HostsArgs) -> Outcome {
    let connection = connection::needed(&context.options.data_dir())?;
    let Some(hosts) = &connection.hosts else {
        return Err(Failure::problem("connection.json does not say under which names the simulator answers")
            .hint("restart the server: it writes the file again"));
    };
    let server = ServerAddress::parse(&connection.endpoint)?;
    let hsms = if args.hsms.is_empty() { existing(context, &connection).await? } else { args.hsms };
    let address = server.resolve().await?;
    if args.drop_in && address.port() != 443 {
        let port = address.port();
        output::note(&format!("Azure's names lead to port 443, and the simulator listens on port {port}"));
    }
    let lines: Vec<Line> = groups(hosts, &hsms, args.drop_in)
        .into_iter()
        .map(|names| Line { address: address.ip(), names })
        .collect();
    context.output.print(&lines, || {
        let text = |line: &Line| format!("{} {} {MARK}\n", line.address, line.names.join(" "));
        lines.iter().map(text).collect()
    })
}

/// The managed HSMs of the subscription.
async fn existing(context: &Context, connection: &Connection) -> Outcome<Vec<HsmName>> {
    let hint = "name the managed HSMs (`strongroom hosts local`), and nobody is asked";
    let session = context.connect_control().await.map_err(|failure| failure.hint(hint))?;
    let parent = format!("subscriptions/{}", connection.subscription_id);
    let found = hsm::all(&session, &parent).await.map_err(|failure| failure.hint(hint))?;
    let name =
        |hsm: pb::ManagedHsm| hsm.name.rsplit('/').next().unwrap_or_default().parse().map_err(Failure::from);
    found.into_iter().map(name).collect()
}

/// The names of each line: first of what there is once, then of each HSM; own names before Azure's.
fn groups(hosts: &Hosts, hsms: &[HsmName], drop_in: bool) -> Vec<Vec<String>> {
    let kinds = if drop_in { usize::MAX } else { 1 };
    let mut services: Vec<String> =
        hosts.authority.iter().take(kinds).chain(hosts.management.iter().take(kinds)).cloned().collect();
    if drop_in {
        services.push(hosts.graph.clone());
    }
    let of = |hsm: &HsmName| {
        hosts.data_plane.iter().take(kinds).map(|suffix| format!("{}.{suffix}", hsm.as_str())).collect()
    };
    std::iter::once(services).chain(hsms.iter().map(of)).collect()
}
