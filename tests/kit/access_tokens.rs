//! Access tokens of the planes, and the choice of the one that a call requires.

use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;

/// Access tokens of one principal, one for each plane.
#[derive(Clone)]
pub(crate) struct AccessTokens {
    pub(crate) data: String,
    pub(crate) vault: String,
    pub(crate) control: String,
}

impl AccessTokens {
    /// Returns the access token that an RPC accepts. For a watch, the plane depends on the request instead.
    pub(crate) fn for_rpc(&self, service: &str, rpc: &str) -> &str {
        match Plane::of_rpc(service, rpc) {
            Plane::Data => &self.data,
            Plane::Vault => &self.vault,
            Plane::Control => &self.control,
        }
    }
}

/// The planes, each with an audience of its own.
#[derive(Clone, Copy)]
enum Plane {
    Data,
    Vault,
    Control,
}

impl Plane {
    /// Returns the plane of an RPC. For a watch, it depends on the request instead.
    fn of_rpc(service: &str, rpc: &str) -> Self {
        match service.rsplit('.').next() {
            Some("CertificateService" | "SecretService") => Self::Vault,
            _ if is_of_the_control_plane(service, rpc) => Self::Control,
            _ => Self::Data,
        }
    }
}

/// Returns whether an RPC belongs to the control plane regardless of its request.
pub(crate) fn is_of_the_control_plane(service: &str, rpc: &str) -> bool {
    let services = [
        "AuditService",
        "AuthorizationService",
        "ManagedHsmService",
        "ResourceService",
        "TokenService",
        "UsageService",
        "VaultService",
    ];
    let belongs_to_service = services.iter().any(|known| service.rsplit('.').next() == Some(*known));
    rpc == "ReleaseClock" || (belongs_to_service && rpc != "ActivateManagedHsm")
}

/// Adds the access token of the called plane to each call, if the client has one.
#[derive(Clone)]
pub(crate) struct AccessTokenInterceptor(pub(crate) Option<[MetadataValue<Ascii>; 3]>);

impl Interceptor for AccessTokenInterceptor {
    fn call(&mut self, mut request: tonic::Request<()>) -> Result<tonic::Request<()>, tonic::Status> {
        if let Some([data, vault, control]) = &self.0 {
            let method = request.extensions().get::<tonic::GrpcMethod<'_>>().unwrap();
            let header = match Plane::of_rpc(method.service(), method.method()) {
                Plane::Data => data,
                Plane::Vault => vault,
                Plane::Control => control,
            };
            let header = header.clone();
            request.metadata_mut().insert("authorization", header);
        }
        Ok(request)
    }
}
