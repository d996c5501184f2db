//! Tests malformed requests: every RPC rejects them with a specific error, and nothing changes.

use strongroom::api::grpc::pb;
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::certificates;
use crate::raw::{self, Field, Kind, Rpc, Shape};
use crate::requests::{GUID, HSM, JOB, KEY, SUBSCRIPTION, create_keys, valid_request};
use crate::secrets;
use crate::support::{AccessTokens, Client, Server, error_metadata, reason};

/// Returns strings that are invalid for a field. New fields must be added here.
fn invalid_strings(rpc: &str, field: &str) -> Vec<String> {
    let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let long = "a".repeat(10_000);
    match field {
        "name" | "parent" => {
            let mut names = own(&[
                "",
                "/",
                "hsms",
                "hsms/",
                "local",
                "hsms//keys/a",
                "/hsms/local",
                "hsms/local/",
                "HSMS/local/keys/a",
                "hsms/local/../local/keys/sample",
                "hsms/local/keys/../keys/sample",
                "../../../etc/passwd",
                "hsms/local/keys/a%2fb",
                "hsms/local/keys/a b",
                "hsms/local/keys/a\0",
                "hsms/local/keys/a\nb",
                "hsms/local/keys/\u{1b}[31mred",
                "hsms/local/keys/ключ",
                "hsms/local/keys/a\u{202e}b",
                "hsms/l/keys/a",
                "hsms/lo--cal/keys/a",
                "hsms/local/keys/a/versions/",
                "hsms/local/keys/a/versions/latest",
                "hsms/local/keys/a/versions/000000000000000000000000000000000",
                "hsms/local/deletedKeys/",
                "hsms/local/roleDefinitions/0",
                "subscriptions/",
                "subscriptions/x",
                "hsms/local/roleAssignments/';--",
                "hsms/local/settings",
                "hsms/lo--cal/settings/AllowKeyManagementOperationsThroughARM",
                "https://local.managedhsm.azure.net/keys/a",
                "vaults",
                "vaults/",
                "vaults/sa--mple",
                "vaults/sample/secrets/",
                "vaults/sample/secrets/a_b",
                "vaults/sample/secrets/a\0",
                "vaults/sample/secrets/sample/versions/latest",
                "vaults/sample/deletedSecrets/",
                "vaults/sample/certificates/",
                "vaults/sample/certificates/a_b",
                "vaults/sample/certificates/issued/versions/latest",
                "vaults/sample/certificates/issued/policy/x",
                "vaults/sample/deletedCertificates/",
                "vaults/sample/issuers/a_b",
                "https://sample.vault.azure.net/secrets/a",
            ]);
            names.push(format!("hsms/{long}"));
            names.push(format!("hsms/local/keys/{long}"));
            names.push("/".repeat(10_000));
            names
        }
        // An invalid name is a valid question.
        "managed_hsm_id" if rpc == "CheckManagedHsmName" => Vec::new(),
        "managed_hsm_id" => own(&["", "ab", "a b", "1abc", "abc-", "a--b", "a_b", "ключ", "abc\0", &long]),
        "vault_id" if rpc == "CheckVaultName" => Vec::new(),
        "vault_id" => own(&["", "ab", "a b", "1abc", "abc-", "a--b", "a_b", "ключ", "abc\0", &long]),
        "change" => own(&["", "set", "add ", "add\0", "ключ", &long]),
        // Names of secrets, certificates and issuers have the rules of those of keys.
        "key_id" | "secret_id" | "certificate_id" | "issuer_id" => {
            let mut ids = own(&[
                "",
                "a b",
                "a/b",
                "..",
                "a_b",
                "a.b",
                "ключ",
                "a\0",
                "a\r\n",
                "\u{feff}a",
                "🔑",
                "keys/a",
            ]);
            ids.push("a".repeat(128));
            ids
        }
        "kty" => own(&["", "AES", "rsa-hsm", "RSA\0", "oct-HSM ", &long]),
        "crv" => own(&["", "P-255", "p-256", "secp256r1", "P-256\0", &long]),
        "algorithm" => {
            own(&["", "none", "es256", "ES256 ", "ES257", "RS1", "A256GCMKW", "\0", "ключ", &long])
        }
        "resource_group_id" => own(&["", "a.", "a b", "a/b", "a\0", "a\u{202e}b", &"a".repeat(91)]),
        "location" => own(&["", "atlantis", "localhost\0", &long]),
        "budget_id" => own(&["", "a b", "a/b", "ключ", "a\0", &"a".repeat(64)]),
        "amount" => own(&["", "0", "-1", "1.001", "1e3", "NaN", "1\0", &long]),
        "plan" => own(&["free", "Managed HSM", "managed-hsm\0", "ключ", &long]),
        "format" => own(&["", "CSV", "xml", "csv\0", &long]),
        "resume_token" => {
            own(&["x", "-1", "+1", " 1", "1.0", "1\0", "ключ", "999999999", "18446744073709551616", &long])
        }
        "page_token" => own(&["a b", "../x", "ключ", "a\0", "'; DROP TABLE keys; --", &long]),
        "role_definition_id" | "role_assignment_id" => own(&["x", "../x", "7d0e8b1e", "\0", &long]),
        "role_definition" => own(&[
            "",
            "x",
            "hsms/other/roleDefinitions/x",
            &format!("hsms/local/roleDefinitions/{GUID}/x"),
            &long,
        ]),
        "principal_id" if rpc.starts_with("List") => own(&["root", "\0", &long]),
        "principal_id" => own(&["", "root", "\0", &long]),
        "scope" => {
            let mut scopes = own(&[
                "keys",
                "//",
                "/keys//",
                "/keys/a/b",
                "/keys/../a",
                "/secrets",
                "/keys/ключ",
                "/keys/a\0",
                &long,
            ]);
            if rpc != "ListRoleAssignments" {
                scopes.push(String::new());
            }
            scopes
        }
        "actions" => own(&["", "fly", "keys/sign/action/x", "*", "\0", &long]),
        "action" => {
            own(&["", "fly", "keys/sign/action/x", "Microsoft.KeyVault/managedHsm/", "*", "\0", &long])
        }
        "application_id" => own(&["x", "7d0e8b1e", "\0", &long]),
        "object" => own(&[
            "secrets",
            "secrets/",
            "storage/a",
            "//secrets/a",
            "secrets/a/b",
            "secrets/a_b",
            "\0",
            &long,
        ]),
        "value" if rpc == "SetSecret" => own(&["x".repeat(25_601).as_str(), &"ä".repeat(12_801)]),
        "request_id" => own(&["x", "latest", "0", "\0", "ключ", &long]),
        // Filters, which select no record if there is none with this text.
        "operation" | "principal" | "result" | "target" => Vec::new(),
        // Every text may be a password; a wrong one is an error of the file, whose text is recorded.
        "password" => Vec::new(),
        "content_type" => own(&["x".repeat(256).as_str(), &long]),
        "value" => own(&["", "1", "yes", "true ", "true\0", "ключ", &long]),
        "group_ids" => own(&["", "admins", "\0", &long]),
        "expiry_time" => own(&[
            "P",
            "90D",
            "p90d",
            "P0D",
            "P27D",
            "-P90D",
            "P-90D",
            "P9.5D",
            "PT672H",
            "P28DT1H",
            "P4W",
            "P1M1Y",
            "P101Y",
            "P99999999999999999999D",
            "P90D\0",
            "ключ",
            &long,
        ]),
        "key_ops" => own(&["", "fly", "SIGN", "sign\0", &long]),
        "folder" => own(&["", "/", "../x", "a/../b", ".hidden", "a b", "a\0", "ключ", &long]),
        "restore_blob" => own(&["", "restore", "{}", "[]", "{\"EncData\":{}}", &long]),
        other => panic!("add invalid strings for the new field {rpc}.{other}"),
    }
}

/// Returns numbers that are invalid for a field.
fn invalid_numbers(field: &str) -> &'static [i64] {
    match field {
        "page_size" => &[-1, i32::MIN as i64],
        "key_size" => &[0, 1, 127, 129, 2048, 1 << 31, u32::MAX as i64],
        "public_exponent" => &[0, 1, 2, 65537],
        // Both values of a boolean are valid.
        "force" | "undeletable" | "until_now" | "no_key_ops" | "include_pending" | "preserve_order" => &[],
        "quorum" => &[0, 1, 4, 11, u32::MAX as i64],
        "count" => &[0, -1, 129, i32::MAX as i64, i32::MIN as i64],
        other => panic!("add invalid numbers for the new field {other}"),
    }
}

/// Returns lengths that are invalid for a field.
fn invalid_lengths(rpc: &str, field: &str) -> Vec<usize> {
    match (rpc, field) {
        (_, "digest") => vec![0, 1, 31, 33, 64, 100_000],
        // A signature of another length is an invalid signature, which is no error.
        (_, "signature") | (_, "additional_authenticated_data") => vec![],
        ("Encrypt", "iv") => vec![0, 1, 12, 15, 17, 32, 100_000],
        // Every text may be a backup; those that are none have another error.
        ("RestoreKey" | "RestoreSecret" | "RestoreCertificate", "backup") => vec![],
        ("ImportCertificate", "value") => vec![0, 1, 100, 100_000],
        (_, "certificates" | "x5c") => vec![0, 1, 100, 100_000],
        ("Decrypt", "iv") => vec![0, 11, 13, 16, 100_000],
        (_, "plaintext") => vec![300_000],
        (_, "ciphertext") => vec![300_000],
        (_, "authentication_tag") => vec![0, 1, 15, 17, 100_000],
        (_, "key") => vec![0, 1, 8, 15, 17, 31, 33, 100_000],
        (_, "wrapped_key") => vec![0, 8, 16, 23, 39, 41, 100_000],
        (rpc, other) => panic!("add invalid lengths for the new field {rpc}.{other}"),
    }
}

/// Returns the state that malformed requests must not change.
async fn state(client: &mut Client) -> impl PartialEq + std::fmt::Debug + use<> {
    let parent = HSM.to_owned();
    let keys = pb::ListKeysRequest { parent: parent.clone(), ..Default::default() };
    let deleted = pb::ListDeletedKeysRequest { parent: parent.clone(), ..Default::default() };
    let assignments = pb::ListRoleAssignmentsRequest { parent: parent.clone(), ..Default::default() };
    let definitions = pb::ListRoleDefinitionsRequest { parent: parent.clone() };
    let settings = pb::ListSettingsRequest { parent };
    let of_subscription =
        pb::ListControlRoleAssignmentsRequest { parent: SUBSCRIPTION.to_owned(), ..Default::default() };
    let groups = pb::ListResourceGroupsRequest { parent: SUBSCRIPTION.to_owned() };
    let subscriptions = pb::ListSubscriptionsRequest {};
    (
        (secrets::list(client).await, secrets::list_deleted(client).await),
        (certificates::list(client).await, certificates::list_deleted(client).await),
        client.keys.list_keys(keys).await.unwrap().into_inner(),
        client.keys.list_deleted_keys(deleted).await.unwrap().into_inner(),
        client.access.list_role_definitions(definitions).await.unwrap().into_inner(),
        client.access.list_role_assignments(assignments).await.unwrap().into_inner(),
        client.settings.list_settings(settings).await.unwrap().into_inner(),
        client.authorization.list_control_role_assignments(of_subscription).await.unwrap().into_inner(),
        client.resources.list_resource_groups(groups).await.unwrap().into_inner(),
        client.resources.list_subscriptions(subscriptions).await.unwrap().into_inner(),
        client.clock.get_clock(pb::GetClockRequest {}).await.unwrap().into_inner().frozen,
    )
}

/// Starts a server with a key of each kind and a deleted key.
async fn server() -> (Server, Client, Channel, AccessTokens) {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    create_keys(&mut dev).await;
    let policies = vec![certificates::every_permission(&server, "dev")];
    secrets::create_vault(&server, &mut dev, |vault| vault.access_policies = policies).await;
    secrets::create_secrets(&mut dev).await;
    certificates::create_certificates(&mut dev).await;
    let (channel, bearers) = (server.channel().await, server.access_tokens("dev").await);
    (server, dev, channel, bearers)
}

/// Runs an attack on a server and asserts that it changes nothing.
async fn assert_unchanged(server: &Server, dev: &mut Client, attack: impl AsyncFnOnce()) {
    let before = state(dev).await;
    attack().await;
    assert_eq!(state(dev).await, before);
    let request =
        pb::SignRequest { name: KEY.to_owned(), algorithm: "ES256".to_owned(), digest: vec![1; 32] };
    dev.crypto.sign(request).await.unwrap();
    assert!(!server.log().contains("\"ERROR\""), "{}", server.log());
}

/// Asserts that an error is BAD_PARAMETER with a short, printable message.
fn assert_bad_parameter(status: &Status, what: &str) {
    assert_eq!(status.code(), Code::InvalidArgument, "{what}: {status:?}");
    assert_eq!(reason(status), "BAD_PARAMETER", "{what}: {status:?}");
    assert!(!status.message().is_empty() && status.message().len() < 600, "{what}: {status:?}");
    assert!(!status.message().contains(char::is_control), "{what}: {status:?}");
}

#[tokio::test]
async fn every_rpc_validates_every_field() {
    let (server, mut dev, channel, bearers) = server().await;
    assert_unchanged(&server, &mut dev, async || {
        for rpc in raw::rpcs() {
            let good = valid_request(&rpc.name);
            let call = async |field: &Field, value: Vec<u8>, text: &str| {
                let status = raw::call(&channel, &rpc, &bearers, &[&good[..], &value].concat()).await;
                let shown: String = text.chars().take(80).collect();
                let what = format!("{} {} = {shown:?}", rpc.name, field.name);
                assert_bad_parameter(&status, &what);
                assert_eq!(error_metadata(&status, "field"), field.name, "{what}: {status:?}");
                assert!(status.message().starts_with(&format!("{}: ", field.name)), "{what}: {status:?}");
            };
            for field in &rpc.input.0 {
                match &field.kind {
                    Kind::Text => {
                        let as_ec =
                            rpc.input.0.iter().find(|other| field.name == "crv" && other.name == "kty");
                        let context = as_ec.map(|kty| kty.with(b"EC-HSM")).unwrap_or_default();
                        for text in invalid_strings(&rpc.name, &field.name) {
                            call(field, [&context[..], &field.with(text.as_bytes())].concat(), &text).await;
                        }
                    }
                    Kind::Number => {
                        for number in invalid_numbers(&field.name) {
                            call(field, field.with_number(number.cast_unsigned()), &number.to_string()).await;
                        }
                    }
                    Kind::Bytes => {
                        for length in invalid_lengths(&rpc.name, &field.name) {
                            call(field, field.with(&vec![1; length]), &format!("{length} bytes")).await;
                        }
                    }
                    // Nested messages are tested below.
                    Kind::Message(_) => {}
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn every_rpc_rejects_undecodable_messages() {
    let (server, mut dev, channel, bearers) = server().await;
    let bearer = format!("Bearer {}", bearers.data);
    let headers = [("authorization", bearer.as_str())];
    assert_unchanged(&server, &mut dev, async || {
        for rpc in raw::rpcs() {
            let good = valid_request(&rpc.name);
            let mut messages = vec![("garbage", &[0xff; 40][..]), ("text", b"GET / HTTP/1.1\r\n\r\n")];
            if let [cut @ .., _] = &good[..] {
                messages.extend([("cut off", cut), ("nothing", &[])]);
            }
            for (what, message) in messages {
                let status = raw::call(&channel, &rpc, &bearers, message).await;
                assert_bad_parameter(&status, &format!("{} {what}", rpc.name));
            }
            let whole = raw::frame(&good);
            for (what, body) in [
                ("no frame", vec![]),
                ("half a frame", whole[..3].to_vec()),
                ("a frame that promises more", whole[..whole.len() - 1].to_vec()),
                ("a frame that claims to be compressed", [&[1], &whole[1..]].concat()),
                ("a frame with an unknown flag", [&[7], &whole[1..]].concat()),
            ] {
                let bearer = format!("Bearer {}", rpc.access_token(&bearers, &[]));
                let answer = raw::send(&channel, &rpc.path, &[("authorization", &bearer)], body).await;
                assert_bad_parameter(&answer.status, &format!("{} {what}", rpc.name));
            }
            let large = [&good[..], &raw::unknown_field(&vec![b'a'; 1024 * 1024])].concat();
            let status = raw::call(&channel, &rpc, &bearers, &large).await;
            assert_eq!(status.code(), Code::ResourceExhausted, "{}: {status:?}", rpc.name);
            assert_eq!(
                (reason(&status).as_str(), error_metadata(&status, "limit").as_str()),
                ("REQUEST_TOO_LARGE", "1048576")
            );
        }
        let promise = [&[0][..], &u32::MAX.to_be_bytes(), b"x"].concat();
        let answer = raw::send(&channel, "/strongroom.v1.KeyService/GetKey", &headers, promise).await;
        assert_eq!(answer.status.code(), Code::ResourceExhausted, "{:?}", answer.status);
        for path in ["/strongroom.v1.KeyService/Fly", "/strongroom.v1.FlyService/Fly", "/a.B/C", "/"] {
            let answer = raw::send(&channel, path, &headers, raw::frame(&[])).await;
            assert_eq!(answer.status.code(), Code::Unimplemented, "{path}: {:?}", answer.status);
        }
    })
    .await;
}

#[tokio::test]
async fn every_rpc_rejects_wrong_wire_types_and_invalid_utf8() {
    let (server, mut dev, channel, bearers) = server().await;
    assert_unchanged(&server, &mut dev, async || {
        for rpc in raw::rpcs() {
            let good = valid_request(&rpc.name);
            for (name, wrong) in wrong_values(&rpc.input) {
                let status = raw::call(&channel, &rpc, &bearers, &[&good[..], &wrong].concat()).await;
                let what = format!("{} {name}", rpc.name);
                assert_bad_parameter(&status, &what);
                assert!(status.message().contains(&name), "{what}: {status:?}");
            }
        }
    })
    .await;
}

/// Returns encodings of each field, also nested ones, with a value of another wire type, and of each string with
/// invalid UTF-8; each with the name of the top-level field that contains it.
fn wrong_values(shape: &Shape) -> Vec<(String, Vec<u8>)> {
    let mut wrong_values = Vec::new();
    for field in &shape.0 {
        let wrong = match field.kind {
            Kind::Number => field.with(b"text"),
            Kind::Text | Kind::Bytes | Kind::Message(_) => field.with_number(7),
        };
        wrong_values.push((field.choice.clone(), wrong));
        match &field.kind {
            Kind::Text => wrong_values.push((field.choice.clone(), field.with(b"\xc3\x28\xff"))),
            Kind::Message(inner) => {
                let inner = self::wrong_values(inner).into_iter();
                wrong_values.extend(inner.map(|(_, bytes)| (field.choice.clone(), field.with(&bytes))));
            }
            Kind::Number | Kind::Bytes => {}
        }
        assert!(
            !field.repeated || !matches!(field.kind, Kind::Number),
            "packed numbers need wrong values of their own"
        );
    }
    wrong_values
}

#[tokio::test]
async fn every_rpc_reports_unknown_container_as_not_found() {
    let (server, mut dev, channel, bearers) = server().await;
    assert_unchanged(&server, &mut dev, async || {
        for rpc in raw::rpcs() {
            let Rpc { name, input, .. } = &rpc;
            // Requests of the control plane name a subscription; it is replaced by an unknown one of the same length.
            let another = format!("subscriptions/{GUID}");
            if let Some(elsewhere) = replaced(&valid_request(name), SUBSCRIPTION, &another) {
                let status = raw::call(&channel, &rpc, &bearers, &elsewhere).await;
                let found = (status.code(), reason(&status));
                assert_eq!(
                    found,
                    (Code::NotFound, "SUBSCRIPTION_NOT_FOUND".to_owned()),
                    "{name}: {status:?}"
                );
                continue;
            }
            let Some(first) = input.0.iter().find(|field| ["name", "parent"].contains(&&*field.name)) else {
                assert!(name.ends_with("Clock") || name == "ListSubscriptions", "{name} has no target");
                continue;
            };
            // The vault of a secret or a certificate is replaced by an unknown one of the same length.
            if let Some(elsewhere) = replaced(&valid_request(name), secrets::VAULT, "vaults/absent") {
                let status = raw::call(&channel, &rpc, &bearers, &elsewhere).await;
                let found = (status.code(), reason(&status));
                assert_eq!(found, (Code::NotFound, "VAULT_NOT_FOUND".to_owned()), "{name}: {status:?}");
                continue;
            }
            let path = match first.name.as_str() {
                "parent" if name != "ListKeyVersions" => "hsms/elsewhere".to_owned(),
                _ if name.ends_with("RotationPolicy") => {
                    "hsms/elsewhere/keys/sample/rotationPolicy".to_owned()
                }
                _ if name == "ActivateManagedHsm" || name == "GetTransferKey" => "hsms/elsewhere".to_owned(),
                _ if name.starts_with("StartBackup") || name.starts_with("StartRestore") => {
                    "hsms/elsewhere".to_owned()
                }
                "name" if name.ends_with("BackupJob") => format!("hsms/elsewhere/backupJobs/{JOB}"),
                "name" if name.ends_with("RestoreJob") => format!("hsms/elsewhere/restoreJobs/{JOB}"),
                _ if name.contains("SecurityDomain") => "hsms/elsewhere".to_owned(),
                _ if name.contains("Deleted") => "hsms/elsewhere/deletedKeys/gone".to_owned(),
                _ if name.ends_with("Setting") => {
                    "hsms/elsewhere/settings/AllowKeyManagementOperationsThroughARM".to_owned()
                }
                _ if name.ends_with("RoleDefinition") => format!("hsms/elsewhere/roleDefinitions/{GUID}"),
                _ if name.ends_with("RoleAssignment") => format!("hsms/elsewhere/roleAssignments/{GUID}"),
                _ => "hsms/elsewhere/keys/sample".to_owned(),
            };
            let request = [&valid_request(name)[..], &first.with(path.as_bytes())].concat();
            let status = raw::call(&channel, &rpc, &bearers, &request).await;
            let found = (status.code(), reason(&status));
            assert_eq!(found, (Code::NotFound, "HSM_NOT_FOUND".to_owned()), "{name}: {status:?}");
        }
    })
    .await;
}

/// Returns the request with another container of the same length, or `None` if it does not name this one.
fn replaced(request: &[u8], known: &str, other: &str) -> Option<Vec<u8>> {
    let at = request.windows(known.len()).position(|window| window == known.as_bytes())?;
    let mut elsewhere = request.to_vec();
    elsewhere[at..at + known.len()].copy_from_slice(other.as_bytes());
    Some(elsewhere)
}
