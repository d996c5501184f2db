//! Compiles the protocol buffers in pure Rust: no system `protoc` is needed.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::Write as _;
use std::path::PathBuf;

use protox::prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor, Value};

#[expect(clippy::disallowed_methods, reason = "Cargo passes OUT_DIR to build scripts in the environment")]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    println!("cargo:rerun-if-changed=src/store/migrations");
    let files = [
        "proto/strongroom/v1/access.proto",
        "proto/strongroom/v1/authorization.proto",
        "proto/strongroom/v1/clock.proto",
        "proto/strongroom/v1/crypto.proto",
        "proto/strongroom/v1/key.proto",
        "proto/strongroom/v1/lifecycle.proto",
        "proto/strongroom/v1/managed_hsm.proto",
        "proto/strongroom/v1/resource.proto",
        "proto/strongroom/v1/setting.proto",
        "proto/strongroom/v1/usage.proto",
    ];
    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler.include_imports(true).include_source_info(true).open_files(files)?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    // `prost_types` has no `debug_redact`; this encoding keeps it for reflection and for tests.
    std::fs::write(out.join("strongroom.v1.bin"), compiler.encode_file_descriptor_set())?;
    let pool = compiler.descriptor_pool();
    let redacted: Vec<MessageDescriptor> = messages(&pool).filter(has_redacted_field).collect();
    std::fs::write(out.join("redacted.rs"), redaction(&pool, &redacted)?)?;
    tonic_prost_build::configure()
        .codec_path("crate::api::grpc::Codec")
        .skip_debug(redacted.iter().map(|message| format!(".{}", message.full_name())))
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}

/// The messages of this protocol.
fn messages(pool: &DescriptorPool) -> impl Iterator<Item = MessageDescriptor> + '_ {
    pool.all_messages().filter(|message| message.package_name() == "strongroom.v1" && !message.is_map_entry())
}

/// Whether a field carries key material or plaintext: `debug_redact`, an option of `google/protobuf/descriptor.proto`.
fn is_redacted(field: &FieldDescriptor) -> bool {
    let options = field.options();
    options.get_field_by_name("debug_redact").is_some_and(|value| *value == Value::Bool(true))
}

fn has_redacted_field(message: &MessageDescriptor) -> bool {
    message.fields().any(|field| is_redacted(&field))
}

/// Implementations of `Debug` that leave redacted fields out, and of `Zeroize` that overwrites them, in every message
/// that holds one directly or in a message of its own.
fn redaction(pool: &DescriptorPool, redacted: &[MessageDescriptor]) -> Result<String, Box<dyn Error>> {
    let mut code = String::new();
    for message in redacted {
        if message.oneofs().next().is_some() {
            return Err(format!(
                "{}: redaction of a message with a oneof is not implemented",
                message.name()
            )
            .into());
        }
        let shown: String = message
            .fields()
            .filter(|field| !is_redacted(field))
            .map(|field| format!(".field(\"{0}\", &self.{0})", field.name()))
            .collect();
        writeln!(
            code,
            "impl ::core::fmt::Debug for {0} {{ fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result \
             {{ f.debug_struct(\"{0}\"){shown}.finish_non_exhaustive() }} }}",
            message.name()
        )?;
    }
    // A message is wiped when a message in it is; messages nest finitely, so this ends.
    let mut wiped: BTreeSet<String> = redacted.iter().map(|message| message.full_name().to_owned()).collect();
    loop {
        let before = wiped.len();
        for message in messages(pool) {
            let holds_one = message.fields().any(|field| match field.kind() {
                Kind::Message(inner) => wiped.contains(inner.full_name()),
                _ => false,
            });
            if holds_one {
                wiped.insert(message.full_name().to_owned());
            }
        }
        if wiped.len() == before {
            break;
        }
    }
    for message in messages(pool).filter(|message| wiped.contains(message.full_name())) {
        let mut fields = String::new();
        for field in message.fields() {
            let name = field.name();
            match field.kind() {
                Kind::Message(inner) if wiped.contains(inner.full_name()) => {
                    write!(fields, "self.{name}.iter_mut().for_each(::zeroize::Zeroize::zeroize); ")?;
                }
                _ if is_redacted(&field) => {
                    write!(fields, "::zeroize::Zeroize::zeroize(&mut self.{name}); ")?
                }
                _ => {}
            }
        }
        writeln!(
            code,
            "impl ::zeroize::Zeroize for {} {{ fn zeroize(&mut self) {{ {fields}}} }}",
            message.name()
        )?;
    }
    Ok(code)
}
