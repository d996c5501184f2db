//! Sends gRPC calls below the generated clients, with any path, headers and bytes, and describes all RPCs.

use http::HeaderMap;
use prost::Message as _;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorSet};
use strongroom::api::grpc::pb;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tower::ServiceExt as _;

use crate::support::AccessTokens;

/// How long a call may take.
const CALL_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(30);

/// The reply to a call.
pub(crate) struct Answer {
    pub(crate) status: Status,
    pub(crate) headers: HeaderMap,
}

impl Answer {
    /// Returns the correlation id of the call.
    pub(crate) fn correlation_id(&self) -> &str {
        self.headers.get("x-correlation-id").unwrap().to_str().unwrap()
    }
}

/// Sends a body with the content type of gRPC.
pub(crate) async fn send(channel: &Channel, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
    let mut request =
        http::Request::post(path).header("content-type", "application/grpc").header("te", "trailers");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = tonic::body::Body::new(axum::body::Body::from(body));
    let call = channel.clone().oneshot(request.body(body).unwrap());
    let response = tokio::time::timeout(CALL_TIMEOUT, call)
        .await
        .unwrap_or_else(|_| panic!("{path} timed out"))
        .unwrap();
    let headers = response.headers().clone();
    if let Some(status) = Status::from_header_map(&headers) {
        return Answer { status, headers };
    }
    let body = axum::body::Body::new(response.into_body());
    let frame = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let status = if frame.is_empty() { Status::unknown("no message") } else { Status::new(Code::Ok, "") };
    Answer { status, headers }
}

/// Sends a body with the content type of gRPC, and returns the status in the trailers of the response.
pub(crate) async fn trailing_status(
    channel: &Channel,
    path: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> Status {
    let mut request =
        http::Request::post(path).header("content-type", "application/grpc").header("te", "trailers");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = tonic::body::Body::new(axum::body::Body::from(body));
    let response = channel.clone().oneshot(request.body(body).unwrap()).await.unwrap();
    let mut body = response.into_body();
    loop {
        let frame =
            std::future::poll_fn(|cx| hyper::body::Body::poll_frame(std::pin::Pin::new(&mut body), cx));
        if let Ok(trailers) = frame.await.expect("there are no trailers").unwrap().into_trailers() {
            return Status::from_header_map(&trailers).unwrap();
        }
    }
}

/// Sends one message with the access token of its plane.
pub(crate) async fn call(channel: &Channel, rpc: &Rpc, bearers: &AccessTokens, message: &[u8]) -> Status {
    let authorization = format!("Bearer {}", rpc.access_token(bearers, message));
    send(channel, &rpc.path, &[("authorization", &authorization)], frame(message)).await.status
}

/// Returns a message as an uncompressed gRPC frame.
pub(crate) fn frame(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap();
    [&[0][..], &length.to_be_bytes(), message].concat()
}

/// An RPC of the protocol.
pub(crate) struct Rpc {
    /// `/strongroom.v1.KeyService/GetKey`
    pub(crate) path: String,
    /// `GetKey`
    pub(crate) name: String,
    /// The request message.
    pub(crate) input: Shape,
}

impl Rpc {
    /// Returns the access token that the RPC requires for a message.
    pub(crate) fn access_token<'a>(&self, bearers: &'a AccessTokens, message: &[u8]) -> &'a str {
        let watched = pb::WatchLifecycleRequest::decode(message).unwrap_or_default().parent;
        if self.name == "WatchLifecycle" && watched.starts_with("subscriptions/") {
            return &bearers.control;
        }
        if self.name == "WatchLifecycle" && watched.starts_with("vaults/") {
            return &bearers.vault;
        }
        let service = self.path.trim_start_matches('/').split('/').next().unwrap();
        bearers.for_rpc(service, &self.name)
    }
}

/// Returns all RPCs of the published descriptors that take one message.
pub(crate) fn rpcs() -> Vec<Rpc> {
    let set = FileDescriptorSet::decode(pb::DESCRIPTORS).unwrap();
    let mut rpcs = Vec::new();
    for file in &set.file {
        for service in &file.service {
            for method in service.method.iter().filter(|method| !method.client_streaming()) {
                rpcs.push(Rpc {
                    path: format!("/{}.{}/{}", file.package(), service.name(), method.name()),
                    name: method.name().to_owned(),
                    input: Shape::find(&set, method.input_type()),
                });
            }
        }
    }
    assert!(rpcs.len() >= 27, "{}", rpcs.len());
    rpcs
}

/// The path of the RPC that takes a stream of messages.
pub(crate) const PIPELINE: &str = "/strongroom.v1.CryptoService/Pipeline";

/// The fields of a message.
pub(crate) struct Shape(pub(crate) Vec<Field>);

/// A field of a message.
pub(crate) struct Field {
    pub(crate) name: String,
    /// The oneof that contains the field, or the field's own name. Decoding errors use this name.
    pub(crate) choice: String,
    pub(crate) number: u32,
    pub(crate) kind: Kind,
    pub(crate) repeated: bool,
}

/// The type of a field, as far as the wire format distinguishes it.
pub(crate) enum Kind {
    Text,
    Bytes,
    Number,
    Message(Shape),
}

impl Shape {
    fn find(set: &FileDescriptorSet, name: &str) -> Self {
        for file in &set.file {
            let prefix = format!(".{}", file.package());
            if let Some(message) = within(&prefix, &file.message_type, name) {
                return Self(message.field.iter().map(|field| Field::of(set, message, field)).collect());
            }
        }
        panic!("{name} is not in the descriptors");
    }
}

fn within<'a>(prefix: &str, messages: &'a [DescriptorProto], name: &str) -> Option<&'a DescriptorProto> {
    messages.iter().find_map(|message| {
        let full = format!("{prefix}.{}", message.name());
        if full == name { Some(message) } else { within(&full, &message.nested_type, name) }
    })
}

impl Field {
    fn of(set: &FileDescriptorSet, message: &DescriptorProto, field: &FieldDescriptorProto) -> Self {
        let choice = field.oneof_index.filter(|_| !field.proto3_optional());
        let choice = choice.map(|index| message.oneof_decl[usize::try_from(index).unwrap()].name());
        let kind = match field.r#type() {
            Type::String => Kind::Text,
            Type::Bytes => Kind::Bytes,
            Type::Message => Kind::Message(Shape::find(set, field.type_name())),
            Type::Bool | Type::Int32 | Type::Int64 | Type::Uint32 => Kind::Number,
            other => panic!("{}: {other:?}", field.name()),
        };
        Self {
            name: field.name().to_owned(),
            choice: choice.unwrap_or(field.name()).to_owned(),
            number: u32::try_from(field.number()).unwrap(),
            kind,
            repeated: field.label() == Label::Repeated,
        }
    }

    /// Encodes the field with a string, bytes or a message.
    pub(crate) fn with(&self, value: &[u8]) -> Vec<u8> {
        let mut out = varint(u64::from(self.number << 3 | 2));
        out.extend(varint(value.len() as u64));
        out.extend_from_slice(value);
        out
    }

    /// Encodes the field with a number.
    pub(crate) fn with_number(&self, value: u64) -> Vec<u8> {
        let mut out = varint(u64::from(self.number << 3));
        out.extend(varint(value));
        out
    }
}

/// Encodes a field that no message has, which decoders skip.
pub(crate) fn unknown_field(value: &[u8]) -> Vec<u8> {
    let (name, choice) = (String::new(), String::new());
    Field { name, choice, number: 1999, kind: Kind::Bytes, repeated: false }.with(value)
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value > 0x7f {
        out.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap());
    out
}
