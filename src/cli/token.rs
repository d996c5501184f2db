//! `strongroom token`: prints an access token for other programs.

use clap::Args;
use secrecy::ExposeSecret;
use serde::Serialize;

use super::failure::Outcome;
use super::plane::Plane;
use super::{Context, session};

/// Selects the plane.
#[derive(Args, Clone, Debug)]
pub struct TokenArgs {
    /// Plane that accepts the access token; each plane has another audience
    #[arg(long, value_enum, default_value_t, value_name = "PLANE")]
    plane: Plane,
}

/// A token response with the members of RFC 6749, section 5.1.
#[derive(Serialize)]
struct Printed<'a> {
    token_type: &'static str,
    access_token: &'a str,
    expires_in: Option<u64>,
}

/// Prints the access token, which is a secret.
pub(super) async fn run(context: &Context, args: &TokenArgs) -> Outcome {
    let issued = session::access_token(&context.options, args.plane).await?;
    let token = issued.access_token.expose_secret();
    let printed = Printed { token_type: "Bearer", access_token: token, expires_in: issued.expires_in };
    context.output.print_value(&printed, token)
}
