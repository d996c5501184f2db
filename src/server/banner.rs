//! What a person sees when the service is ready.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::connection_file::quoted;
use super::house::House;
use crate::config::Config;

/// Says where the service is, who may use it, and what to type next.
pub(super) fn print(house: &House, config: &Config, port: u16) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let address = std::net::SocketAddr::from((config.server.listen.ip(), port));
    let Some(simulator) = &house.simulator else {
        writeln!(out, "strongroom {}: gateway, listening on {address}", env!("CARGO_PKG_VERSION"))?;
        return Ok(out.flush()?);
    };
    let directory = std::path::absolute(&config.data_dir)?;
    let hsms: Vec<&str> = simulator.seed.hsm.iter().map(|hsm| hsm.name.as_str()).collect();
    let principals: Vec<&str> =
        simulator.seed.principal.iter().map(|principal| principal.name.as_str()).collect();
    writeln!(out, "strongroom {}: simulator, not a certified HSM", env!("CARGO_PKG_VERSION"))?;
    writeln!(out)?;
    writeln!(out, "  gRPC        {}", simulator.endpoint)?;
    writeln!(out, "  authority   {}/{}", simulator.authority_url, simulator.seed.tenant_id)?;
    if let Some(endpoint) = &simulator.managed_identity {
        writeln!(out, "  identities  http://{}", endpoint.address)?;
    }
    writeln!(out, "  HSM         {}", hsms.join(", "))?;
    writeln!(out, "  principals  {}", wrapped(&principals))?;
    writeln!(out, "  files       {}", directory.display())?;
    writeln!(out)?;
    writeln!(out, "In another terminal:")?;
    writeln!(out, "  source {}", quoted(&directory.join("dev.env").to_string_lossy()))?;
    if let Some(programs) = unknown_to_shells() {
        writeln!(out, "  export PATH={}:\"$PATH\"", quoted(&programs.to_string_lossy()))?;
    }
    writeln!(out, "  strongroom key create invoices --kty EC-HSM --curve P-256")?;
    writeln!(out, "  strongroom key list")?;
    Ok(out.flush()?)
}

/// The directory of this program, where a shell would not find it by its name.
fn unknown_to_shells() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    #[expect(clippy::disallowed_methods, reason = "what shells search, not a setting of ours")]
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found =
        std::env::split_paths(&path).map(|place| place.join("strongroom")).find(|file| file.is_file());
    let is_found = found.and_then(|file| file.canonicalize().ok()) == program.canonicalize().ok();
    if is_found { None } else { program.parent().map(Path::to_path_buf) }
}

/// The names, in lines that fit beside the label.
fn wrapped(names: &[&str]) -> String {
    let mut lines = vec![String::new()];
    for name in names {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(name),
            Some(line) if line.len() + name.len() < 64 => {
                line.push_str(", ");
                line.push_str(name);
            }
            _ => lines.push((*name).to_owned()),
        }
    }
    lines.join(",\n              ")
}
