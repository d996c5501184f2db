//! gRPC-Web, the form of gRPC that browsers can send: <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md>.
//!
//! No response permits other origins (`Access-Control-Allow-Origin`). A browser asks for permission before it sends a
//! request with the content type of gRPC to another origin, so pages of other origins cannot make calls.

use tonic_web::GrpcWebLayer;

/// The beginning of the content types of gRPC-Web: binary and base64.
const CONTENT_TYPE: &[u8] = b"application/grpc-web";

/// Whether this is a content type of gRPC-Web.
pub fn is_grpc_web(content_type: &[u8]) -> bool {
    content_type.starts_with(CONTENT_TYPE)
}

/// Returns routes that translate gRPC-Web to gRPC for `routes`, over HTTP/1.1 and HTTP/2. What limits, authenticates and
/// records a call is in `routes`, and the same for both.
pub fn web_routes(routes: axum::Router) -> axum::Router {
    routes.layer(GrpcWebLayer::new())
}
