//! Programs that are told of nothing: in a network of its own the simulator takes Azure's place, under Azure's names and on
//! Azure's port, and `strongroom hosts --drop-in` says where.

use super::place::{installed, shell};

const LINES: &str = r#"
python "$SOURCES/tests/clients/python/loopback.py"
strongroom serve --dev --listen 127.0.0.1:443 >/dev/null 2>server.log &
trap "kill $!; cat server.log >&2" EXIT
# It is written last.
until [ -e .strongroom/dev.env ]; do kill -0 $!; sleep 0.05; done
strongroom hosts --drop-in >>hosts
eval "$(strongroom env)"
unset AZURE_AUTHORITY_HOST AZURE_KEYVAULT_URL AZURE_MANAGEDHSM_URL

python "$SOURCES/tests/clients/python/drop_in.py"
cp "$SOURCES/tests/clients/javascript/drop_in.mjs" .
ln -s "$NODE_CLIENTS/node_modules" node_modules
"$NODE_CLIENTS/bin/node" drop_in.mjs
AZURE_KEYVAULT_URL=https://local.managedhsm.azure.net "$RUST_CLIENTS/debug/example" >&2
strongroom --output json key list
"#;

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "namespaces are Linux's")]
fn programs_written_for_azure_need_not_be_told() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("hosts"), "127.0.0.1 localhost\n").unwrap();
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_strongroom")).parent().unwrap();
    let tools = [installed("python").join("bin"), program.to_owned()];
    let (node, rust) = (installed("javascript"), installed("rust"));
    let environment = [
        ("SOURCES", env!("CARGO_MANIFEST_DIR")),
        ("NODE_CLIENTS", node.to_str().unwrap()),
        ("RUST_CLIENTS", rust.to_str().unwrap()),
    ];
    let output = shell(directory.path(), &["--net"], &tools, LINES, &environment);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{out}{err}", output.status);
    let keys: serde_json::Value = serde_json::from_str(&out).unwrap();
    let names: Vec<_> = keys.as_array().unwrap().iter().map(|key| key["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        ["hsms/local/keys/from-node", "hsms/local/keys/from-python", "hsms/local/keys/invoices"]
    );
}
