//! The descriptors for server reflection: the protocol, health, reflection itself, and error details.

use prost::Message as _;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet};
use tonic_reflection::server::Builder;

use super::pb;

/// The directory in the import path of the `google.rpc` files.
const GOOGLE_RPC: &str = "google/rpc/";

/// Returns a builder of the reflection service, without the version of the reflection protocol.
///
/// # Errors
/// If the descriptors compiled into the program cannot be decoded.
pub(super) fn builder() -> anyhow::Result<Builder<'static>> {
    Ok(Builder::configure()
        .register_encoded_file_descriptor_set(pb::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET)
        .include_reflection_service(false)
        .register_file_descriptor_set(error_details()?))
}

/// Returns `google/rpc/status.proto` and `google/rpc/error_details.proto` with their imports, with which clients decode
/// error details. `tonic_types` registers these files without their directory.
fn error_details() -> anyhow::Result<FileDescriptorSet> {
    let mut set = FileDescriptorSet::decode(tonic_types::pb::FILE_DESCRIPTOR_SET)?;
    let qualify = |name: &mut String| {
        if !name.contains('/') {
            name.insert_str(0, GOOGLE_RPC);
        }
    };
    for file in &mut set.file {
        file.name.iter_mut().for_each(qualify);
        file.dependency.iter_mut().for_each(qualify);
    }
    set.file.push(any());
    Ok(set)
}

/// `google/protobuf/any.proto`, which none of the other descriptor sets contains.
fn any() -> FileDescriptorProto {
    let field = |name: &str, number, kind: Type| FieldDescriptorProto {
        name: Some(name.to_owned()),
        number: Some(number),
        label: Some(Label::Optional.into()),
        r#type: Some(kind.into()),
        ..FieldDescriptorProto::default()
    };
    FileDescriptorProto {
        name: Some("google/protobuf/any.proto".to_owned()),
        package: Some("google.protobuf".to_owned()),
        message_type: vec![DescriptorProto {
            name: Some("Any".to_owned()),
            field: vec![field("type_url", 1, Type::String), field("value", 2, Type::Bytes)],
            ..DescriptorProto::default()
        }],
        syntax: Some("proto3".to_owned()),
        ..FileDescriptorProto::default()
    }
}
