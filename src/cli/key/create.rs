//! `strongroom key create`

use clap::{Args, ValueEnum};

use super::attributes::{self, NewAttributes};
use super::view::KeyView;
use crate::api::grpc::pb;
use crate::cli::Context;
use crate::cli::failure::Outcome;
use crate::cli::names::KeyRef;
use crate::model::key::Curve;

/// The key types. In a managed HSM, all have hardware protection.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kty {
    /// Elliptic curve; in a vault, protected by hardware
    #[value(name = "EC-HSM")]
    EcHsm,
    /// RSA; in a vault, protected by hardware
    #[value(name = "RSA-HSM")]
    RsaHsm,
    /// AES; not in a vault
    #[value(name = "oct-HSM", alias = "oct")]
    Oct,
    /// Elliptic curve; in a vault, protected by software
    #[value(name = "EC")]
    Ec,
    /// RSA; in a vault, protected by software
    #[value(name = "RSA")]
    Rsa,
}

/// The key to generate.
#[derive(Args, Clone, Debug)]
pub struct CreateArgs {
    /// Name of the key
    #[arg(value_parser = KeyRef::parse_key)]
    name: KeyRef,
    /// Type of the key
    #[arg(long, value_enum, ignore_case = true)]
    kty: Kty,
    /// Curve of an EC key: P-256 (the default), P-256K, P-384 or P-521
    #[arg(long)]
    curve: Option<Curve>,
    /// Size of an RSA key (2048 by default) or of an oct key (256 by default) in bits
    #[arg(long, value_name = "BITS")]
    size: Option<u32>,
    /// Public exponent of an RSA key, 65537 by default
    #[arg(long, value_name = "NUMBER")]
    public_exponent: Option<u32>,
    #[command(flatten)]
    attributes: NewAttributes,
}

/// Generates a key.
pub(super) async fn run(context: &Context, args: CreateArgs) -> Outcome {
    let kty = match args.kty {
        Kty::EcHsm => "EC-HSM",
        Kty::RsaHsm => "RSA-HSM",
        Kty::Ec => "EC",
        Kty::Rsa => "RSA",
        Kty::Oct => "oct-HSM",
    };
    let tags = attributes::tags(&args.attributes.tags)?;
    let session = context.connect_to_key(Some(&args.name)).await?;
    let request = pb::CreateKeyRequest {
        parent: args.name.parent(session.container())?,
        key_id: args.name.name.to_string(),
        kty: kty.to_owned(),
        key_size: args.size,
        crv: args.curve.map(|curve| curve.to_string()),
        public_exponent: args.public_exponent,
        key_ops: attributes::operations(&args.attributes.ops),
        no_key_ops: args.attributes.no_ops,
        attributes: Some(args.attributes.to_wire()),
        tags,
    };
    let key = KeyView::from(session.keys().create_key(request).await?.into_inner());
    context.output.print(&key, || key.text())
}
