//! Compiles the protocol buffers in pure Rust: no system `protoc` is needed. Embeds the files of the web console.
//!
//! Besides the code of `prost` and `tonic`, it writes the redaction of secrets (`redacted.rs`), the implementation of
//! the services (`services.rs`) and the files of the console (`console.rs`) into `OUT_DIR`.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt::Write as _;
use std::path::PathBuf;

use protox::prost_reflect::{
    DescriptorPool, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor, OneofDescriptor,
    ServiceDescriptor, Value,
};

/// The package of the protocol.
const PACKAGE: &str = "strongroom.v1";

/// The folder of its files, in the import path `proto`.
const FOLDER: &str = "strongroom/v1";

/// The folder with the files of the web console, which `console/` builds.
const CONSOLE: &str = "console/dist";

/// The content types of its files, by the ending of their names.
const CONTENT_TYPES: [(&str, &str); 5] = [
    ("html", "text/html; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("svg", "image/svg+xml"),
    ("txt", "text/plain; charset=utf-8"),
];

/// Rpcs without a stream that are more than one call of the operation of their name.
const HANDLED: [&str; 1] = ["AdvanceClock"];

#[expect(clippy::disallowed_methods, reason = "Cargo passes OUT_DIR to build scripts in the environment")]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    println!("cargo:rerun-if-changed={CONSOLE}");
    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler.include_imports(true).include_source_info(true).open_files(proto_files()?)?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    // `prost_types` has no `debug_redact`; this encoding keeps it for reflection and for tests.
    std::fs::write(out.join("strongroom.v1.bin"), compiler.encode_file_descriptor_set())?;
    let pool = compiler.descriptor_pool();
    let redacted: Vec<MessageDescriptor> = messages(&pool).filter(has_redacted_field).collect();
    let wiped = wiped(&pool, &redacted);
    std::fs::write(out.join("redacted.rs"), redaction(&pool, &redacted, &wiped)?)?;
    std::fs::write(out.join("services.rs"), services(&pool, &wiped)?)?;
    std::fs::write(out.join("console.rs"), console_assets()?)?;
    tonic_prost_build::configure()
        .extern_path(".google.rpc", "::tonic_types::pb")
        .codec_path("crate::api::grpc::Codec")
        .skip_debug(redacted.iter().map(|message| format!(".{}", message.full_name())))
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}

/// The files of the protocol, relative to the import path, in the order of their names.
fn proto_files() -> Result<BTreeSet<String>, Box<dyn Error>> {
    let mut files = BTreeSet::new();
    for entry in std::fs::read_dir(format!("proto/{FOLDER}"))? {
        let name = entry?.file_name();
        if let Some(name) = name.to_str().filter(|name| name.ends_with(".proto")) {
            files.insert(format!("{FOLDER}/{name}"));
        }
    }
    Ok(files)
}

/// The array of the files of the console, in the order of their names. `index.html` is at the path of the folder.
fn console_assets() -> Result<String, Box<dyn Error>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(CONSOLE)? {
        let name = entry?.file_name().into_string().map_err(|_| format!("{CONSOLE}: a name is not UTF-8"))?;
        let ending = name.rsplit('.').next().unwrap_or_default();
        let content_type = CONTENT_TYPES.iter().find(|(known, _)| *known == ending);
        let (_, content_type) =
            content_type.ok_or_else(|| format!("{CONSOLE}/{name}: the type is unknown"))?;
        files.insert(name.clone(), *content_type);
    }
    let mut code = format!("pub(super) static ASSETS: [Asset; {}] = [\n", files.len());
    for (name, content_type) in files {
        let path = if name == "index.html" { "" } else { &name };
        writeln!(
            code,
            "Asset {{ path: {:?}, content_type: {content_type:?}, content: include_bytes!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {:?})) }},",
            format!("/console/{path}"),
            format!("/{CONSOLE}/{name}"),
        )?;
    }
    code.push_str("];\n");
    Ok(code)
}

/// The messages of the protocol.
fn messages(pool: &DescriptorPool) -> impl Iterator<Item = MessageDescriptor> + '_ {
    pool.all_messages().filter(|message| message.package_name() == PACKAGE && !message.is_map_entry())
}

/// Whether a field carries key material or plaintext: `debug_redact`, an option of `google/protobuf/descriptor.proto`.
fn is_redacted(field: &FieldDescriptor) -> bool {
    let options = field.options();
    options.get_field_by_name("debug_redact").is_some_and(|value| *value == Value::Bool(true))
}

fn has_redacted_field(message: &MessageDescriptor) -> bool {
    message.fields().any(|field| is_redacted(&field))
}

/// The names of the messages with a redacted field, directly or in a message of their own.
fn wiped(pool: &DescriptorPool, redacted: &[MessageDescriptor]) -> BTreeSet<String> {
    let mut wiped: BTreeSet<String> = redacted.iter().map(|message| message.full_name().to_owned()).collect();
    // Messages nest finitely, so this ends.
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
            return wiped;
        }
    }
}

/// Implementations of `Debug` that leave redacted fields out, and of `Zeroize` that overwrites them in every message of
/// `wiped`.
fn redaction(
    pool: &DescriptorPool,
    redacted: &[MessageDescriptor],
    wiped: &BTreeSet<String>,
) -> Result<String, Box<dyn Error>> {
    let mut code = String::new();
    for message in redacted {
        let shown: String =
            shown_names(message).map(|name| format!(".field(\"{name}\", &self.{name})")).collect();
        writeln!(
            code,
            "impl ::core::fmt::Debug for {0} {{ fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result \
             {{ f.debug_struct(\"{0}\"){shown}.finish_non_exhaustive() }} }}",
            message.name()
        )?;
        for oneof in choices(message) {
            write_choice_debug(&mut code, message, &oneof)?;
        }
    }
    for message in messages(pool).filter(|message| wiped.contains(message.full_name())) {
        let mut fields = String::new();
        for field in message.fields().filter(|field| choice_of(field).is_none()) {
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
        for oneof in choices(&message) {
            let arms = choice_arms(&message, &oneof, |field| match field.kind() {
                Kind::Message(inner) if wiped.contains(inner.full_name()) => true,
                _ => is_redacted(field),
            });
            let oneof = oneof.name();
            let wipe = |arm| {
                format!(
                    "if let Some({arm}(value)) = &mut self.{oneof} {{ ::zeroize::Zeroize::zeroize(value); }}"
                )
            };
            let wipes: Vec<String> = arms.into_iter().map(wipe).collect();
            write!(fields, "{} ", wipes.join(" else "))?;
        }
        writeln!(
            code,
            "impl ::zeroize::Zeroize for {} {{ fn zeroize(&mut self) {{ {fields}}} }}",
            message.name()
        )?;
    }
    Ok(code)
}

/// The oneof of a field, except for the synthetic one of an optional field.
fn choice_of(field: &FieldDescriptor) -> Option<OneofDescriptor> {
    field.containing_oneof().filter(|oneof| !oneof.is_synthetic())
}

/// The oneofs of a message, except for those of optional fields.
fn choices(message: &MessageDescriptor) -> impl Iterator<Item = OneofDescriptor> {
    message.oneofs().filter(|oneof| !oneof.is_synthetic())
}

/// The names of the members of a message's type that `Debug` shows: those without redacted fields, and its oneofs.
fn shown_names(message: &MessageDescriptor) -> impl Iterator<Item = String> {
    let plain = message.fields().filter(|field| choice_of(field).is_none() && !is_redacted(field));
    plain.map(|field| field.name().to_owned()).chain(choices(message).map(|oneof| oneof.name().to_owned()))
}

/// `Debug` of the type of a oneof, which shows the values of fields that are not redacted.
fn write_choice_debug(
    code: &mut String,
    message: &MessageDescriptor,
    oneof: &OneofDescriptor,
) -> Result<(), Box<dyn Error>> {
    let mut arms = String::new();
    for (redacted, value, shown) in [(false, "value", ".field(value)"), (true, "_", "")] {
        for arm in choice_arms(message, oneof, |field| is_redacted(field) == redacted) {
            let name = arm.rsplit(':').next().unwrap_or_default();
            write!(arms, "{arm}({value}) => f.debug_tuple({name:?}){shown}.finish(), ")?;
        }
    }
    writeln!(
        code,
        "impl ::core::fmt::Debug for {} {{ fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result \
         {{ match self {{ {arms}}} }} }}",
        choice_type(message, oneof)
    )?;
    Ok(())
}

/// The path of the type that `prost` generates for a oneof.
fn choice_type(message: &MessageDescriptor, oneof: &OneofDescriptor) -> String {
    format!("{}::{}", snake_case(message.name()), camel_case(oneof.name()))
}

/// The paths of the variants that `prost` generates for some fields of a oneof.
fn choice_arms(
    message: &MessageDescriptor,
    oneof: &OneofDescriptor,
    includes: impl Fn(&FieldDescriptor) -> bool,
) -> Vec<String> {
    let choice = choice_type(message, oneof);
    oneof.fields().filter(includes).map(|field| format!("{choice}::{}", camel_case(field.name()))).collect()
}

/// Implementations of the service traits for `Services`, `NAMES` and `add_to`, for `src/api/grpc/services.rs`.
fn services(pool: &DescriptorPool, wiped: &BTreeSet<String>) -> Result<String, Box<dyn Error>> {
    let (mut code, mut names, mut servers) = (String::new(), String::new(), String::new());
    for service in pool.services().filter(|service| service.package_name() == PACKAGE) {
        let (name, module) = (service.name(), format!("pb::{}_server", snake_case(service.name())));
        writeln!(code, "#[tonic::async_trait]\nimpl {module}::{name} for Services {{")?;
        for method in service.methods() {
            write_method(&mut code, &service, &method, wiped)?;
        }
        writeln!(code, "}}\n")?;
        writeln!(names, "    {module}::SERVICE_NAME,")?;
        writeln!(
            servers,
            "        .add_service(limited!({module}::{name}Server::new(services.clone()), limit))"
        )?;
    }
    writeln!(code, "/// The names of the services.\npub(super) const NAMES: &[&str] = &[\n{names}];\n")?;
    writeln!(
        code,
        "/// Adds the services. Messages larger than `limit` bytes are refused.\n\
         pub(super) fn add_to(routes: Routes, services: &Services, limit: usize) -> Routes {{\n    routes\n{servers}}}"
    )?;
    Ok(code)
}

/// The method of an rpc: it runs the operation of the same name. A stream, and an rpc of [`HANDLED`], is a function.
fn write_method(
    code: &mut String,
    service: &ServiceDescriptor,
    method: &MethodDescriptor,
    wiped: &BTreeSet<String>,
) -> Result<(), Box<dyn Error>> {
    let (name, snake) = (method.name(), snake_case(method.name()));
    let path = format!("/{}/{name}", service.full_name());
    let (input, output) = (method.input(), method.output());
    let streams = method.is_server_streaming();
    let message = match method.is_client_streaming() {
        true => format!("tonic::Streaming<pb::{}>", input.name()),
        false => format!("pb::{}", input.name()),
    };
    let reply = if streams { format!("Self::{name}Stream") } else { format!("pb::{}", output.name()) };
    let call = if streams || HANDLED.contains(&name) {
        format!("handlers::{snake}(self, {path:?}, request)")
    } else {
        let answer = if wiped.contains(input.full_name()) { "answer_zeroizing" } else { "answer" };
        format!("self.{answer}::<_, operations::{name}, _>({path:?}, request)")
    };
    if streams {
        writeln!(code, "    type {name}Stream = Stream<pb::{}>;", output.name())?;
    }
    writeln!(
        code,
        "    async fn {snake}(&self, request: Request<{message}>) -> Result<Response<{reply}>, Status> {{\n        \
         {call}.await\n    }}"
    )?;
    Ok(())
}

/// Converts the name of a service or an rpc to that of its module or method, as `prost` does: `CreateKey` to
/// `create_key`.
fn snake_case(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

/// Converts the name of a oneof or a field to that of its type or variant, as `prost` does: `wrap_key` to `WrapKey`.
fn camel_case(name: &str) -> String {
    let mut text = String::new();
    for word in name.split('_') {
        let mut letters = word.chars();
        text.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        text.push_str(letters.as_str());
    }
    text
}
