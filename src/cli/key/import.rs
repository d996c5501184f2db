//! `strongroom key import`

use clap::{Args, ValueEnum};

use super::attributes::{self, NewAttributes};
use super::view::KeyView;
use crate::api::grpc::pb;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::input::Source;
use crate::cli::names::KeyRef;
use crate::cli::{Context, jwk, private_key};
use crate::model::import::ImportMaterial;
use crate::model::key::{KeyOperation, Protection};

/// The key to import.
#[derive(Args, Clone, Debug)]
pub struct ImportArgs {
    /// Name of the key
    #[arg(value_parser = KeyRef::parse_key)]
    name: KeyRef,
    #[command(flatten)]
    material: Material,
    /// Protection of the key in a vault; in a managed HSM, all have hardware protection [default: software]
    #[arg(long, value_enum, value_name = "PROTECTION")]
    protection: Option<KeyProtection>,
    #[command(flatten)]
    attributes: NewAttributes,
}

/// What protects a key of a vault.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum KeyProtection {
    /// By software
    Software,
    /// By hardware; requires a vault with the SKU premium
    Hsm,
}

/// The key material in one of three formats.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = false)]
struct Material {
    /// File with a JSON Web Key (RFC 7517), or - for standard input
    #[arg(long, value_name = "FILE")]
    jwk: Option<Source>,
    /// File with an unencrypted RSA or EC private key in PEM, or - for standard input
    #[arg(long, value_name = "FILE")]
    pem: Option<Source>,
    /// File with the 16, 24 or 32 bytes of an AES key, or - for standard input
    #[arg(long, value_name = "FILE")]
    raw: Option<Source>,
}

impl Material {
    /// Reads the key material, and the `key_ops` of a JSON Web Key if present.
    fn read(&self) -> Outcome<(ImportMaterial, Option<Vec<KeyOperation>>)> {
        match (&self.jwk, &self.pem, &self.raw) {
            (Some(source), _, _) => jwk::read(&source.read()?.0).map_err(|failure| failure.within(source)),
            (_, Some(source), _) => {
                let material = private_key::read(&source.read()?.0);
                Ok((material.map_err(|failure| failure.within(source))?, None))
            }
            (_, _, Some(source)) => {
                let bytes = source.read()?;
                if !matches!(bytes.0.len(), 16 | 24 | 32) {
                    return Err(Failure::problem(format!(
                        "{source}: an AES key has 16, 24 or 32 bytes, this has {}",
                        bytes.0.len()
                    )));
                }
                Ok((ImportMaterial::Oct { k: bytes.to_vec() }, None))
            }
            (None, None, None) => Err(Failure::Usage("one of --jwk, --pem and --raw is required".into())),
        }
    }
}

/// Imports a key.
pub(super) async fn run(context: &Context, args: ImportArgs) -> Outcome {
    let tags = attributes::tags(&args.attributes.tags)?;
    let (material, key_ops) = args.material.read()?;
    let NewAttributes { ops, no_ops, .. } = &args.attributes;
    let chosen = (*no_ops || !ops.is_empty()).then(|| ops.clone());
    let operations = chosen.or(key_ops);
    let session = context.connect_to_key(Some(&args.name)).await?;
    let parent = args.name.parent(session.container())?;
    let protection = match args.protection {
        Some(KeyProtection::Hsm) => Protection::Hsm,
        Some(KeyProtection::Software) => Protection::Software,
        None if parent.starts_with("vaults/") => Protection::Software,
        None => Protection::Hsm,
    };
    let request = pb::ImportKeyRequest {
        parent,
        key_id: args.name.name.to_string(),
        key: Some(to_wire(&material, protection)),
        no_key_ops: operations.as_ref().is_some_and(Vec::is_empty),
        key_ops: attributes::operations(&operations.unwrap_or_default()),
        attributes: Some(args.attributes.to_wire()),
        tags,
    };
    let key = KeyView::from(session.keys().import_key(request).await?.into_inner());
    context.output.print(&key, || key.text())
}

/// Converts the key material to protobuf. The transport does not zeroize these copies.
fn to_wire(material: &ImportMaterial, protection: Protection) -> pb::ImportKeyMaterial {
    let kty = material.key_type().kty(protection).to_owned();
    match material {
        ImportMaterial::Rsa { n, e, d, p, q, dp, dq, qi } => pb::ImportKeyMaterial {
            kty,
            n: n.clone(),
            e: e.clone(),
            d: d.clone(),
            p: p.clone(),
            q: q.clone(),
            dp: dp.clone(),
            dq: dq.clone(),
            qi: qi.clone(),
            ..Default::default()
        },
        ImportMaterial::Ec { crv, x, y, d } => pb::ImportKeyMaterial {
            kty,
            crv: crv.to_string(),
            x: x.clone(),
            y: y.clone(),
            d: d.clone(),
            ..Default::default()
        },
        ImportMaterial::Oct { k } => pb::ImportKeyMaterial { kty, k: k.clone(), ..Default::default() },
    }
}
