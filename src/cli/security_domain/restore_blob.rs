//! `strongroom security-domain restore-blob`: encrypts a security domain for the exchange key of another HSM. Options are
//! those of `az keyvault security-domain restore-blob`.

use std::path::PathBuf;

use clap::Args;
use secrecy::{ExposeSecret as _, SecretString};

use super::{read, read_domain};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::input::Source;
use crate::cli::output::RawOutput;
use crate::security_domain::{Certificate, Error, PrivateKey, TransferKey, Upload, WrappingKey};

/// The files of a restore.
#[derive(Args, Clone, Debug)]
pub struct RestoreBlobArgs {
    /// Security domain file, as downloaded
    #[arg(long, value_name = "FILE")]
    sd_file: Source,
    #[command(flatten)]
    recovery: RecoveryArgs,
    /// File to write the restore blob to, or - for standard output
    #[arg(long, value_name = "FILE")]
    sd_file_restore_blob: RawOutput,
}

/// The keys that decrypt a security domain, and the key that it is encrypted for.
#[derive(Args, Clone, Debug)]
pub(super) struct RecoveryArgs {
    /// Certificate of the exchange key, in PEM, as stored by `init-recovery`
    #[arg(long, value_name = "FILE")]
    sd_exchange_key: Source,
    /// Private keys in PEM, at least as many as the quorum; the certificate of KEY.pem is KEY.cer in the same directory
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    sd_wrapping_keys: Vec<PathBuf>,
    /// Passphrases of the private keys, in their order; "" for one that is not encrypted
    #[arg(long, value_name = "PASSPHRASE", num_args = 1..)]
    passwords: Vec<SecretString>,
}

/// Reads all files, and writes the restore blob if all are valid.
pub(super) fn run(args: &RestoreBlobArgs) -> Outcome {
    args.sd_file_restore_blob.write(restore(&args.sd_file, &args.recovery)?.as_bytes())
}

/// Decrypts a security domain file, and returns the restore blob for the exchange key.
pub(super) fn restore(file: &Source, args: &RecoveryArgs) -> Outcome<String> {
    if args.passwords.len() > args.sd_wrapping_keys.len() {
        return Err(Failure::Usage("more --passwords than --sd-wrapping-keys".to_owned()));
    }
    let domain = read_domain(file)?;
    let transfer_key = read(&args.sd_exchange_key, TransferKey::from_pem)?;
    let keys = wrapping_keys(args)?;
    let (_, data) = domain.open(&keys).map_err(|error| failure(file, args, &keys, &error))?;
    let text = Upload::seal(&data, &transfer_key).and_then(|upload| upload.to_text());
    text.map_err(|error| Failure::problem(error.to_string()))
}

fn wrapping_keys(args: &RecoveryArgs) -> Outcome<Vec<WrappingKey>> {
    let mut passphrases = args.passwords.iter();
    let key = |path: &PathBuf| {
        let passphrase = passphrases.next().map(|passphrase| passphrase.expose_secret().as_bytes());
        let passphrase = passphrase.filter(|passphrase| !passphrase.is_empty());
        let certificate =
            read(&Source::File(path.with_extension("cer")), Certificate::from_pem).map_err(|failure| {
                failure.hint(format!("the certificate of {} must be in the same directory", path.display()))
            })?;
        read(&Source::File(path.clone()), |text| {
            WrappingKey::new(certificate, PrivateKey::from_pem(text, passphrase)?)
        })
    };
    args.sd_wrapping_keys.iter().map(key).collect()
}

/// The failure to open the security domain. If it is due to one private key, names the key's file.
fn failure(file: &Source, args: &RecoveryArgs, keys: &[WrappingKey], error: &Error) -> Failure {
    let mut files = args.sd_wrapping_keys.iter().zip(keys);
    let cause = files.find(|(_, key)| error.thumbprint() == Some(key.certificate().thumbprint()));
    let failure = Failure::problem(format!("{file}: {error}"));
    match cause {
        Some((file, _)) => failure.hint(format!("this is the certificate of {}", file.display())),
        None => failure,
    }
}
