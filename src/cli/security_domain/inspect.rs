//! `strongroom security-domain inspect`: prints what a security domain file shows without private keys.

use clap::Args;
use serde::Serialize;

use super::read_domain;
use crate::cli::Context;
use crate::cli::failure::Outcome;
use crate::cli::input::Source;
use crate::security_domain::SecurityDomain;

/// Selects the file.
#[derive(Args, Clone, Debug)]
pub struct InspectArgs {
    /// Security domain file, or - for standard input
    file: Source,
}

#[derive(Serialize)]
struct View {
    version: u32,
    quorum: usize,
    certificates: Vec<String>,
    data: Vec<String>,
}

/// Prints the contents of the file that are not encrypted.
pub(super) fn run(context: &Context, args: &InspectArgs) -> Outcome {
    let view = View::from(&read_domain(&args.file)?);
    context.output.print(&view, || view.text())
}

impl From<&SecurityDomain> for View {
    fn from(domain: &SecurityDomain) -> Self {
        Self {
            version: domain.version(),
            quorum: domain.quorum(),
            certificates: domain.thumbprints().iter().map(ToString::to_string).collect(),
            data: domain.tags().map(str::to_owned).collect(),
        }
    }
}

impl View {
    fn text(&self) -> String {
        let Self { version, quorum, certificates, data } = self;
        let mut text = format!("version {version}\n");
        text += &format!("{quorum} of {} private keys restore it\n", certificates.len());
        for thumbprint in certificates {
            text += &format!("certificate {thumbprint}\n");
        }
        for tag in data {
            text += &format!("data {tag}\n");
        }
        text
    }
}
