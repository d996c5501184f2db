//! Compiles the protocol buffers in pure Rust: no system `protoc` is needed.

use std::error::Error;

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
    let descriptors = protox::compile(files, ["proto"])?;
    let out = std::path::PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("strongroom.v1.bin"), prost::Message::encode_to_vec(&descriptors))?;
    // Messages with key material or plaintext get a redacting Debug implementation in src/api/grpc/pb.rs.
    let secret = [
        "DecryptResponse",
        "EncryptRequest",
        "GenerateRandomBytesResponse",
        "ImportKeyMaterial",
        "UnwrapKeyResponse",
        "WrapKeyRequest",
    ];
    tonic_prost_build::configure()
        .codec_path("crate::api::grpc::Codec")
        .skip_debug(secret.map(|message| format!(".strongroom.v1.{message}")))
        .compile_fds(descriptors)?;
    Ok(())
}
