//! `strongroom hsm activate`: activates a managed HSM without certificates of the caller.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use clap::Args;
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use zeroize::Zeroizing;

use super::view;
use crate::api::grpc::pb;
use crate::cli::Context;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::{RawOutput, note};
use crate::cli::session::Session;
use crate::model::name::HsmName;

/// The number of shares of the security domain of a simulator's HSM, and how many of them recover it.
const SHARES: usize = 3;
const QUORUM: u32 = 2;

/// The name of the security domain file.
const DOMAIN: &str = "security-domain.json";

/// The managed HSM to activate.
#[derive(Args, Clone, Debug)]
pub struct ActivateArgs {
    /// Name of the managed HSM
    name: HsmName,
}

/// Activates the HSM. In a simulator, its security domain is downloaded for new key pairs, which are stored in the data
/// directory.
pub(super) async fn run(context: &Context, args: ActivateArgs) -> Outcome {
    let session = context.connect().await?;
    let name = format!("hsms/{}", args.name);
    let is_simulator = session.connection.is_some();
    let directory = context.options.data_dir().join("security-domains").join(args.name.as_str());
    if is_simulator && !directory.join(DOMAIN).exists() {
        download(&session, &name, &directory).await?;
        note(&format!(
            "its security domain, and the private keys of its {SHARES} shares, are in {}: they are for tests only",
            directory.display()
        ));
    } else {
        session.hsms().activate_managed_hsm(pb::ActivateManagedHsmRequest { name: name.clone() }).await?;
        if !is_simulator {
            note(
                "its security domain has no shares until it is downloaded: strongroom security-domain download",
            );
        }
    }
    let text = format!("activated {name}");
    context.output.print_value(&view::Activated { name, activated: true }, &text)
}

/// Downloads the security domain for new key pairs, and stores it with them.
async fn download(session: &Session, name: &str, directory: &Path) -> Outcome {
    let holders = (1..=SHARES).map(Holder::generate).collect::<Result<Vec<_>, _>>();
    let holders = holders.map_err(|error| Failure::problem(format!("generating key pairs: {error}")))?;
    let request = pb::DownloadSecurityDomainRequest {
        name: name.to_owned(),
        certificates: holders.iter().map(|holder| holder.certificate_der.clone()).collect(),
        quorum: QUORUM,
    };
    create_private(directory).map_err(|error| Failure::file(directory.display(), &error))?;
    let reply = session.security_domains().download_security_domain(request).await?.into_inner();
    for (number, holder) in (1..).zip(&holders) {
        file(directory, number, "pem").write_secret(holder.private_key.as_bytes())?;
        file(directory, number, "cer").write(holder.certificate.as_bytes())?;
    }
    RawOutput::File(directory.join(DOMAIN)).write(reply.security_domain.as_bytes())
}

/// The file of a holder: the certificate of KEY.pem is KEY.cer, as `security-domain restore-blob` expects.
fn file(directory: &Path, number: usize, extension: &str) -> RawOutput {
    RawOutput::File(PathBuf::from(directory).join(format!("share-{number}.{extension}")))
}

fn create_private(directory: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)
}

/// A key pair that one share is encrypted for.
struct Holder {
    private_key: Zeroizing<String>,
    certificate: String,
    certificate_der: Vec<u8>,
}

impl Holder {
    fn generate(number: usize) -> Result<Self, rcgen::Error> {
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, format!("strongroom simulator, share {number}"));
        let certificate = params.self_signed(&key)?;
        Ok(Self {
            private_key: Zeroizing::new(key.serialize_pem()),
            certificate: certificate.pem(),
            certificate_der: certificate.der().to_vec(),
        })
    }
}
