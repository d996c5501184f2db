//! Prints the start-up message of a simulator.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::connection_file::{ConnectionData, Urls};
use crate::server::shell_quoted;

/// Prints addresses, principals, and example commands.
pub(super) fn print(directory: &Path, simulator: &ConnectionData, urls: &Urls<'_>) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let directory = std::path::absolute(directory)?;
    let hsms: Vec<&str> = simulator.seed.hsm.iter().map(|hsm| hsm.name.as_str()).collect();
    let principals: Vec<&str> =
        simulator.seed.principal.iter().map(|principal| principal.name.as_str()).collect();
    writeln!(out, "strongroom {}: simulator, not a certified HSM", env!("CARGO_PKG_VERSION"))?;
    writeln!(out)?;
    writeln!(out, "  gRPC        {}", simulator.endpoint)?;
    if let Some(console) = &simulator.console_url {
        writeln!(out, "  console     {console}")?;
    }
    writeln!(out, "  authority   {}/{}", simulator.authority_url, simulator.seed.tenant_id)?;
    if let Some(endpoint) = urls.managed_identity {
        writeln!(out, "  identities  http://{}", endpoint.address)?;
    }
    if let Some(metrics) = urls.metrics {
        writeln!(out, "  metrics     {metrics}")?;
    }
    writeln!(out, "  HSM         {}", hsms.join(", "))?;
    writeln!(out, "  principals  {}", wrapped(&principals))?;
    writeln!(out, "  files       {}", directory.display())?;
    writeln!(out)?;
    writeln!(out, "In another terminal:")?;
    writeln!(out, "  source {}", shell_quoted(&directory.join("dev.env").to_string_lossy()))?;
    if let Some(programs) = directory_outside_path() {
        writeln!(out, "  export PATH={}:\"$PATH\"", shell_quoted(&programs.to_string_lossy()))?;
    }
    writeln!(out, "  strongroom key create invoices --kty EC-HSM --curve P-256")?;
    writeln!(out, "  strongroom key list")?;
    Ok(out.flush()?)
}

/// Returns the directory of this program if a shell does not find the program on `PATH`.
fn directory_outside_path() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    #[expect(clippy::disallowed_methods, reason = "PATH is not a setting of the service")]
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .map(|directory| directory.join("strongroom"))
        .find(|file| file.is_file());
    let is_found = found.and_then(|file| file.canonicalize().ok()) == program.canonicalize().ok();
    if is_found { None } else { program.parent().map(Path::to_path_buf) }
}

/// Joins the names, wrapped to fit next to the label.
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
