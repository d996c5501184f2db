//! Checks that rpcs and operations agree, and compares the protocol with its golden file.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use prost::Message as _;
use prost_reflect::{DescriptorPool, Kind, Value};
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet};
use strongroom::api::grpc::pb;
use strongroom::ops;

use crate::golden::assert_golden;
use crate::{assert_same, operations};

const PACKAGE: &str = "strongroom.v1";

/// The proto files of the protocol's package, without imported ones.
fn files() -> Vec<FileDescriptorProto> {
    let mut files = FileDescriptorSet::decode(pb::DESCRIPTORS).unwrap().file;
    files.retain(|file| file.package() == PACKAGE);
    files
}

/// A type's name relative to the package.
fn short(name: &str) -> &str {
    let name = name.trim_start_matches('.');
    name.strip_prefix(PACKAGE).map_or(name, |tail| tail.trim_start_matches('.'))
}

fn type_name(field: &FieldDescriptorProto) -> String {
    match field.r#type() {
        Type::Message | Type::Enum => short(field.type_name()).to_owned(),
        scalar => scalar.as_str_name().trim_start_matches("TYPE_").to_lowercase(),
    }
}

/// The type of a field with its label or as a map.
fn labelled_type(message: &DescriptorProto, field: &FieldDescriptorProto) -> String {
    let entry = message.nested_type.iter().find(|nested| {
        let is_map = nested.options.as_ref().is_some_and(|options| options.map_entry());
        is_map && field.type_name().ends_with(&format!(".{}", nested.name()))
    });
    if let Some(entry) = entry {
        return format!("map<{}, {}>", type_name(&entry.field[0]), type_name(&entry.field[1]));
    }
    let before = match field.label() {
        Label::Repeated => "repeated ",
        _ if field.proto3_optional() => "optional ",
        _ => "",
    };
    format!("{before}{}", type_name(field))
}

fn write_message(table: &mut String, message: &DescriptorProto) {
    writeln!(table, "\nmessage {}", message.name()).unwrap();
    let mut fields: Vec<_> = message.field.iter().collect();
    fields.sort_by_key(|field| field.number());
    for field in fields {
        let choice = field.oneof_index.filter(|_| !field.proto3_optional());
        let choice = choice.map_or(String::new(), |at| {
            format!(" (one of {})", message.oneof_decl[usize::try_from(at).unwrap()].name())
        });
        let field_type = labelled_type(message, field);
        writeln!(table, "  {:2} {}: {field_type}{choice}", field.number(), field.name()).unwrap();
    }
    for range in &message.reserved_range {
        writeln!(table, "  reserved {} to {}", range.start(), range.end() - 1).unwrap();
    }
    for name in &message.reserved_name {
        writeln!(table, "  reserved {name}").unwrap();
    }
}

#[test]
fn rpcs_are_operations() {
    let mut rpcs = BTreeSet::new();
    for file in files() {
        for method in file.service.into_iter().flat_map(|service| service.method) {
            assert!(rpcs.insert(method.name().to_owned()), "{} is in two services", method.name());
        }
    }
    // Its messages are calls of other operations.
    assert!(rpcs.remove(ops::PIPELINE.name));
    assert_same("operations", &operations(), "rpcs", &rpcs);
}

/// Fields of type `bytes` that carry neither key material nor plaintext.
const PUBLIC_BYTES: [&str; 52] = [
    "BackupCertificateResponse.backup",
    "BackupKeyResponse.backup",
    "BackupSecretResponse.backup",
    "CertificateBundle.certificate",
    "CertificateBundle.thumbprint",
    "CertificateOperation.csr",
    "DecryptItem.additional_authenticated_data",
    "DecryptItem.authentication_tag",
    "DecryptItem.ciphertext",
    "DecryptItem.iv",
    "DecryptRequest.additional_authenticated_data",
    "DecryptRequest.authentication_tag",
    "DecryptRequest.ciphertext",
    "DecryptRequest.iv",
    "DownloadSecurityDomainRequest.certificates",
    "EncryptItem.additional_authenticated_data",
    "EncryptItem.iv",
    "EncryptRequest.additional_authenticated_data",
    "EncryptRequest.iv",
    "EncryptResponse.additional_authenticated_data",
    "EncryptResponse.authentication_tag",
    "EncryptResponse.ciphertext",
    "EncryptResponse.iv",
    "EncryptedItem.authentication_tag",
    "EncryptedItem.ciphertext",
    "EncryptedItem.iv",
    "ExportUsageResponse.content",
    "ImportKeyMaterial.e",
    "ImportKeyMaterial.n",
    "ImportKeyMaterial.x",
    "ImportKeyMaterial.y",
    "JsonWebKey.e",
    "JsonWebKey.n",
    "JsonWebKey.x",
    "JsonWebKey.y",
    "MergeCertificateRequest.x5c",
    "RestoreCertificateRequest.backup",
    "RestoreKeyRequest.backup",
    "RestoreSecretRequest.backup",
    "SignItem.digest",
    "SignRequest.digest",
    "SignResponse.signature",
    "SignResult.signature",
    "TransferKey.certificate",
    "UnwrapKeyItem.wrapped_key",
    "UnwrapKeyRequest.wrapped_key",
    "VerifyItem.digest",
    "VerifyItem.signature",
    "VerifyRequest.digest",
    "VerifyRequest.signature",
    "WrapKeyResponse.wrapped_key",
    "WrapKeyResult.wrapped_key",
];

#[test]
fn bytes_fields_are_public_or_marked_debug_redact() {
    let pool = DescriptorPool::decode(pb::DESCRIPTORS).unwrap();
    let mut unmarked = BTreeSet::new();
    for message in pool.all_messages().filter(|message| message.package_name() == PACKAGE) {
        for field in message.fields().filter(|field| field.kind() == Kind::Bytes) {
            let options = field.options();
            let marked = options.get_field_by_name("debug_redact");
            if marked.as_deref() != Some(&Value::Bool(true)) {
                unmarked.insert(format!("{}.{}", message.name(), field.name()));
            }
        }
    }
    let public = PUBLIC_BYTES.iter().map(|field| (*field).to_owned()).collect();
    assert_same("fields without `debug_redact`", &unmarked, "public fields", &public);
}

#[test]
fn protocol_matches_golden_file() {
    let mut table = format!("Package {PACKAGE}: what clients rely on.\n");
    for file in files() {
        for service in &file.service {
            writeln!(table, "\nservice {}", service.name()).unwrap();
            for method in &service.method {
                let (from, to) = (short(method.input_type()), short(method.output_type()));
                let many = |streams| if streams { "stream of " } else { "" };
                let (sent, returned) = (many(method.client_streaming()), many(method.server_streaming()));
                writeln!(table, "  {}: {sent}{from} -> {returned}{to}", method.name()).unwrap();
            }
        }
    }
    for file in files() {
        // The protocol uses strings with the standards' names instead of enumerations; the golden file lists none.
        assert!(file.enum_type.is_empty(), "{} has enumerations", file.name());
        for message in &file.message_type {
            write_message(&mut table, message);
        }
    }
    assert_golden("protocol.txt", &table);
}
