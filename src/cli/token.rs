//! `strongroom token`: a bearer token for other programs.

use secrecy::ExposeSecret;
use serde::Serialize;

use super::failure::Outcome;
use super::{Context, session};

/// The members of RFC 6749, section 5.1.
#[derive(Serialize)]
struct Printed<'a> {
    token_type: &'static str,
    access_token: &'a str,
    expires_in: Option<u64>,
}

/// Prints the token: the one result of this program that is a secret.
pub(super) async fn run(context: &Context) -> Outcome {
    let issued = session::token(&context.options).await?;
    let token = issued.access_token.expose_secret();
    let printed = Printed { token_type: "Bearer", access_token: token, expires_in: issued.expires_in };
    context.output.print_value(&printed, token)
}
