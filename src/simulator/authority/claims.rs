//! The claims of access tokens for applications, in Entra ID's versions 1 and 2.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use uuid::Uuid;

use crate::config::AccessTokenVersion;
use crate::ids::Ids;
use crate::model::name::PrincipalId;

use super::{AuthoritySettings, Client};

/// How an application authenticated.
#[derive(Clone, Copy)]
pub(super) enum ClientAuthentication<'a> {
    /// Not at all, as a public client.
    None,
    /// With a client secret.
    Secret,
    /// With a client assertion, signed with the key of its certificate.
    Certificate,
    /// As a managed identity, authenticated by the platform; `resource` is the Azure resource id of the identity.
    Platform { resource: &'a str },
}

impl ClientAuthentication<'_> {
    /// Returns the value of `appidacr` or `azpacr`: 0 for a public client, 1 for a secret, 2 for a certificate, which platforms
    /// use as well.
    const fn class(self) -> &'static str {
        match self {
            Self::None => "0",
            Self::Secret => "1",
            Self::Certificate | Self::Platform { .. } => "2",
        }
    }
}

/// The resources for which an access token is valid (RFC 7519, section 4.1.3).
#[derive(Clone, Copy, Serialize)]
#[serde(untagged)]
pub(super) enum Recipients<'a> {
    /// One resource, as in all access tokens of Entra ID.
    One(&'a str),
    /// Several resources.
    Several(&'a [String]),
}

/// The claims of an access token for an application.
#[derive(Serialize)]
pub(super) struct Claims<'a> {
    aud: Recipients<'a>,
    iss: &'a str,
    iat: i64,
    nbf: i64,
    exp: i64,
    #[serde(flatten)]
    application: Application<'a>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    groups: &'a [PrincipalId],
    idtyp: &'static str,
    oid: PrincipalId,
    sub: PrincipalId,
    tid: Uuid,
    uti: String,
    ver: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    xms_mirid: Option<&'a str>,
}

/// The application claims of the two versions.
#[derive(Serialize)]
#[serde(untagged)]
enum Application<'a> {
    V1 { appid: Uuid, appidacr: &'static str, idp: &'a str },
    V2 { azp: Uuid, azpacr: &'static str },
}

impl<'a> Claims<'a> {
    /// Creates the claims of an access token for `client` that is valid from `from` until `until`, in Unix seconds.
    pub(super) fn new(
        settings: &'a AuthoritySettings,
        client: &'a Client,
        proof: ClientAuthentication<'a>,
        aud: Recipients<'a>,
        (from, until): (i64, i64),
    ) -> Self {
        let (iss, ver, application) = match settings.access_token_version {
            AccessTokenVersion::V1 => {
                let application = Application::V1 {
                    appid: client.client_id,
                    appidacr: proof.class(),
                    idp: &settings.issuer,
                };
                (&settings.issuer, "1.0", application)
            }
            AccessTokenVersion::V2 => {
                let application = Application::V2 { azp: client.client_id, azpacr: proof.class() };
                (&settings.issuer_v2, "2.0", application)
            }
        };
        Self {
            aud,
            iss,
            iat: from,
            nbf: from,
            exp: until,
            application,
            groups: &client.groups,
            idtyp: "app",
            oid: client.object_id,
            sub: client.object_id,
            tid: settings.tenant,
            uti: URL_SAFE_NO_PAD.encode(Ids.guid().as_bytes()),
            ver,
            xms_mirid: match proof {
                ClientAuthentication::Platform { resource } => Some(resource),
                _ => None,
            },
        }
    }
}
