//! `strongroom key encrypt` and `decrypt`

use clap::Args;
use serde::Serialize;
use zeroize::Zeroizing;

use super::previous_result::{EncryptResult, FileContent};
use crate::api::grpc::pb;
use crate::cli::failure::Outcome;
use crate::cli::input::{self, Input, SecretBytes, encode};
use crate::cli::names::{self, KeyTarget};
use crate::cli::output::RawOutput;
use crate::cli::{Context, table};
use crate::model::algorithm::EncryptionAlgorithm;
use crate::model::base64::base64url;

/// The key, the algorithm and the plaintext.
#[derive(Args, Clone, Debug)]
pub struct EncryptArgs {
    #[command(flatten)]
    target: KeyTarget,
    /// Algorithm
    #[arg(long, value_parser = names::encryption_algorithm())]
    alg: EncryptionAlgorithm,
    #[command(flatten)]
    input: Input,
    /// Initialization vector, for A*CBC and A*CBCPAD: 16 bytes
    #[arg(long, value_parser = input::decode, value_name = "BASE64URL", allow_hyphen_values = true)]
    iv: Option<SecretBytes>,
    /// Additional authenticated data, for A*GCM
    #[arg(long, value_parser = input::decode, value_name = "BASE64URL", allow_hyphen_values = true)]
    aad: Option<SecretBytes>,
    /// Write the ciphertext raw to a file, or to standard output for -; with a file, IV, tag and AAD are printed
    #[arg(long, value_name = "FILE")]
    out: Option<RawOutput>,
}

/// The key, the algorithm and the ciphertext.
#[derive(Args, Clone, Debug)]
pub struct DecryptArgs {
    #[command(flatten)]
    target: KeyTarget,
    /// Algorithm
    #[arg(long, value_parser = names::encryption_algorithm())]
    alg: EncryptionAlgorithm,
    #[command(flatten)]
    input: Input,
    /// Initialization vector, for AES algorithms
    #[arg(long, value_parser = input::decode, value_name = "BASE64URL", allow_hyphen_values = true)]
    iv: Option<SecretBytes>,
    /// Additional authenticated data, for A*GCM
    #[arg(long, value_parser = input::decode, value_name = "BASE64URL", allow_hyphen_values = true)]
    aad: Option<SecretBytes>,
    /// Authentication tag, for A*GCM
    #[arg(long, value_parser = input::decode, value_name = "BASE64URL", allow_hyphen_values = true)]
    tag: Option<SecretBytes>,
    /// Write the plaintext raw to a file, or to standard output for -
    #[arg(long, value_name = "FILE")]
    out: Option<RawOutput>,
}

#[derive(Serialize)]
struct Ciphertext {
    name: String,
    algorithm: String,
    /// Absent if it is written to a file. May be empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    ciphertext: Option<String>,
    #[serde(serialize_with = "base64url::serialize", skip_serializing_if = "Vec::is_empty")]
    iv: Vec<u8>,
    #[serde(serialize_with = "base64url::serialize", skip_serializing_if = "Vec::is_empty")]
    authentication_tag: Vec<u8>,
    #[serde(serialize_with = "base64url::serialize", skip_serializing_if = "Vec::is_empty")]
    additional_authenticated_data: Vec<u8>,
}

impl Ciphertext {
    fn text(&self) -> String {
        table::fields(&[
            ("name", self.name.clone()),
            ("algorithm", self.algorithm.clone()),
            ("ciphertext", self.ciphertext.clone().unwrap_or_default()),
            ("iv", encode(&self.iv)),
            ("tag", encode(&self.authentication_tag)),
            ("aad", encode(&self.additional_authenticated_data)),
        ])
    }
}

#[derive(Serialize)]
struct Plaintext {
    name: String,
    algorithm: String,
    #[serde(serialize_with = "base64url::serialize")]
    plaintext: Zeroizing<Vec<u8>>,
}

/// Encrypts the input.
pub(super) async fn encrypt(context: &Context, args: EncryptArgs) -> Outcome {
    let plaintext = args.input.read()?;
    let session = context.connect_to_key(Some(&args.target.name)).await?;
    let request = pb::EncryptRequest {
        name: args.target.resolve(session.container())?.to_string(),
        algorithm: args.alg.to_string(),
        plaintext: plaintext.to_vec(),
        iv: bytes(args.iv.as_ref()),
        additional_authenticated_data: bytes(args.aad.as_ref()),
    };
    let reply = session.crypto().encrypt(request).await?.into_inner();
    let mut printed = Ciphertext {
        name: reply.name,
        algorithm: reply.algorithm,
        ciphertext: None,
        iv: reply.iv,
        authentication_tag: reply.authentication_tag,
        additional_authenticated_data: reply.additional_authenticated_data,
    };
    match args.out {
        None => printed.ciphertext = Some(encode(&reply.ciphertext)),
        Some(out) => {
            out.write(&reply.ciphertext)?;
            // Print nothing after a ciphertext on standard output, or if decryption needs nothing else.
            if matches!(out, RawOutput::Stdout) || printed.iv.is_empty() {
                return Ok(());
            }
        }
    }
    context.output.print(&printed, || printed.text())
}

/// Decrypts the input.
pub(super) async fn decrypt(context: &Context, args: DecryptArgs) -> Outcome {
    let given = args.input.read()?;
    let content = if args.input.is_file() {
        FileContent::<EncryptResult>::parse(given)
    } else {
        FileContent::Bytes(given)
    };
    let (mut iv, mut tag, mut aad) = (args.iv, args.tag, args.aad);
    let mut previous_name = None;
    let ciphertext = match content {
        FileContent::Bytes(bytes) => bytes,
        FileContent::Printed(printed) => {
            names::check_previous_algorithm(args.alg.as_str(), Some(&printed.algorithm))?;
            previous_name = Some(printed.name);
            iv = iv.or(printed.iv);
            tag = tag.or(printed.authentication_tag);
            aad = aad.or(printed.additional_authenticated_data);
            printed.ciphertext
        }
    };
    let session = context.connect_to_key(Some(&args.target.name)).await?;
    let key =
        names::with_previous_version(args.target.resolve(session.container())?, previous_name.as_deref());
    let request = pb::DecryptRequest {
        name: key.to_string(),
        algorithm: args.alg.to_string(),
        ciphertext: ciphertext.to_vec(),
        iv: bytes(iv.as_ref()),
        authentication_tag: bytes(tag.as_ref()),
        additional_authenticated_data: bytes(aad.as_ref()),
    };
    let reply = session.crypto().decrypt(request).await?.into_inner();
    let printed = Plaintext {
        name: reply.name,
        algorithm: reply.algorithm,
        plaintext: Zeroizing::new(reply.plaintext),
    };
    match args.out {
        Some(out) => out.write_secret(&printed.plaintext),
        None => context.output.print_value(&printed, &encode(&printed.plaintext)),
    }
}

fn bytes(octets: Option<&SecretBytes>) -> Vec<u8> {
    octets.map(SecretBytes::to_vec).unwrap_or_default()
}
