//! `strongroom key verify`

use std::path::Path;

use clap::Args;
use serde::Serialize;

use super::previous_result::{self, FileContent, SignResult};
use crate::api::grpc::pb;
use crate::cli::Context;
use crate::cli::digest::DigestInput;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::input::{self, SecretBytes, Source};
use crate::cli::names::{self, KeyTarget};
use crate::model::algorithm::SignatureAlgorithm;

/// The key, the algorithm, the digest and the signature.
#[derive(Args, Clone, Debug)]
pub struct VerifyArgs {
    #[command(flatten)]
    target: KeyTarget,
    /// Algorithm
    #[arg(long, value_parser = names::signature_algorithm())]
    alg: SignatureAlgorithm,
    #[command(flatten)]
    input: DigestInput,
    /// Signature: a file with the JSON output of `key sign` or with raw bytes, - for standard input, or base64url
    #[arg(long, value_name = "FILE|BASE64URL", allow_hyphen_values = true)]
    signature: String,
}

#[derive(Serialize)]
struct Printed {
    name: String,
    algorithm: String,
    valid: bool,
}

/// A signature. Key name and algorithm are known if it is the JSON output of `key sign`.
struct SignatureArg {
    signature: SecretBytes,
    name: Option<String>,
    algorithm: Option<String>,
}

impl SignatureArg {
    fn read(text: &str) -> Outcome<Self> {
        let source = match text {
            "-" => Source::Stdin,
            path if Path::new(path).exists() => Source::File(path.into()),
            text => {
                let signature = input::decode(text)
                    .map_err(|_| Failure::problem("--signature is neither an existing file nor base64url"))?;
                return Ok(Self { signature, name: None, algorithm: None });
            }
        };
        Ok(match FileContent::<SignResult>::parse(source.read()?) {
            FileContent::Printed(SignResult { name, algorithm, signature }) => {
                Self { signature, name: Some(name), algorithm: Some(algorithm) }
            }
            FileContent::Bytes(bytes) => {
                Self { signature: previous_result::raw_or_text(bytes), name: None, algorithm: None }
            }
        })
    }
}

/// Verifies the signature.
pub(super) async fn run(context: &Context, args: VerifyArgs) -> Outcome {
    let digest = args.input.read(args.alg)?;
    let given = SignatureArg::read(&args.signature)?;
    names::check_previous_algorithm(args.alg.as_str(), given.algorithm.as_deref())?;
    let session = context.connect_to_key(Some(&args.target.name)).await?;
    let key = names::with_previous_version(args.target.resolve(session.container())?, given.name.as_deref());
    let request = pb::VerifyRequest {
        name: key.to_string(),
        algorithm: args.alg.to_string(),
        digest,
        signature: given.signature.to_vec(),
    };
    let reply = session.crypto().verify(request).await?.into_inner();
    let printed = Printed { name: reply.name, algorithm: reply.algorithm, valid: reply.valid };
    context.output.print_value(&printed, if printed.valid { "valid" } else { "invalid" })?;
    if printed.valid { Ok(()) } else { Err(Failure::NegativeResult) }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn read(content: &[u8]) -> SignatureArg {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        SignatureArg::read(&file.path().display().to_string()).unwrap()
    }

    #[test]
    fn reads_signatures_in_all_formats() {
        let printed = read(br#"{"name":"hsms/l/keys/k","algorithm":"ES256","signature":"-_v7"}"#);
        assert_eq!(*printed.signature.0, [0xfb, 0xfb, 0xfb]);
        assert_eq!(printed.algorithm.as_deref(), Some("ES256"));
        assert_eq!(*read(b"-_v7\n").signature.0, [0xfb, 0xfb, 0xfb]);
        assert_eq!(*read(&[0xfb, 0xfb, 0xfb]).signature.0, [0xfb, 0xfb, 0xfb]);
        assert_eq!(*SignatureArg::read("-_v7").unwrap().signature.0, [0xfb, 0xfb, 0xfb]);
        assert!(SignatureArg::read("no/such.file").is_err());
    }
}
