//! What server reflection describes: the protocol, the services beside it, and the details of its errors.

use prost::Message as _;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet};
use tonic_reflection::server::Builder;

use super::pb;

/// Where the files of `google.rpc` are known to those who import them.
const GOOGLE_RPC: &str = "google/rpc/";

/// A reflection service that has yet to be given a version.
///
/// # Errors
/// Where the descriptors compiled into the program cannot be read.
pub(super) fn builder() -> anyhow::Result<Builder<'static>> {
    Ok(Builder::configure()
        .register_encoded_file_descriptor_set(pb::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET)
        .include_reflection_service(false)
        .register_file_descriptor_set(error_details()?))
}

/// `google/rpc/status.proto` and `google/rpc/error_details.proto`, in which clients read the details of errors, with what
/// they import. The library has them without their folder.
fn error_details() -> anyhow::Result<FileDescriptorSet> {
    let mut set = FileDescriptorSet::decode(tonic_types::pb::FILE_DESCRIPTOR_SET)?;
    let whole = |name: &mut String| {
        if !name.contains('/') {
            name.insert_str(0, GOOGLE_RPC);
        }
    };
    for file in &mut set.file {
        file.name.iter_mut().for_each(whole);
        file.dependency.iter_mut().for_each(whole);
    }
    set.file.push(any());
    Ok(set)
}

/// `google/protobuf/any.proto`, which nothing else here imports.
fn any() -> FileDescriptorProto {
    let field = |name: &str, number, of: Type| FieldDescriptorProto {
        name: Some(name.to_owned()),
        number: Some(number),
        label: Some(Label::Optional.into()),
        r#type: Some(of.into()),
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
