//! Tests the audit log: one entry for each call with its outcome, and no secret in the log or elsewhere.

mod batch_values;
mod chain;
mod issued;
mod secret_values;
mod unauthenticated;

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use prost::Message as _;
use serde_json::Value;
use strongroom::api::grpc::pb;
use tonic::Code;

use crate::raw;
use crate::support::{Server, ec, oct, rsa};

/// Members of Azure's log entries in their order, then the members that Strongroom adds.
const MEMBERS: &[&str] = &[
    "TenantId",
    "time",
    "resourceId",
    "operationName",
    "operationVersion",
    "category",
    "resultType",
    "properties",
    "durationMs",
    "callerIpAddress",
    "identity",
    "clientInfo",
    "correlationId",
    "subnetId",
    "httpStatusCode",
    "PoolName",
    "requestUri",
    "resourceGroup",
    "resourceProvider",
    "resource",
    "resourceType",
    "target",
    "resultSignature",
    "ledger",
    "seq",
    "chain",
];

/// A call, and its expected audit entry.
struct Case {
    rpc: &'static str,
    who: &'static str,
    body: Vec<u8>,
    code: Code,
    /// operationName, httpStatusCode, resultSignature, target
    record: (&'static str, u16, &'static str, &'static str),
}

fn cases() -> Vec<Case> {
    let framed = |message: Vec<u8>| raw::frame(&message);
    let get = |name: &str| framed(pb::GetKeyRequest { name: name.to_owned() }.encode_to_vec());
    let sign = |digest: usize| {
        let (name, algorithm) = ("hsms/local/keys/a".to_owned(), "ES256".to_owned());
        framed(pb::SignRequest { name, algorithm, digest: vec![1; digest] }.encode_to_vec())
    };
    let create =
        framed(pb::CreateKeyRequest { parent: "hsms/local".to_owned(), ..ec("a", "P-256") }.encode_to_vec());
    let case = |rpc, who, body, code, record| Case { rpc, who, body, code, record };
    vec![
        case(
            "KeyService/CreateKey",
            "dev",
            create.clone(),
            Code::Ok,
            ("KeyCreate", 200, "OK", "hsms/local/keys/a"),
        ),
        case(
            "KeyService/GetKey",
            "dev",
            get("hsms/local/keys/a"),
            Code::Ok,
            ("KeyGet", 200, "OK", "hsms/local/keys/a"),
        ),
        case("CryptoService/Sign", "dev", sign(32), Code::Ok, ("KeySign", 200, "OK", "hsms/local/keys/a")),
        case(
            "CryptoService/Sign",
            "dev",
            sign(31),
            Code::InvalidArgument,
            ("KeySign", 400, "BAD_PARAMETER", "hsms/local/keys/a"),
        ),
        case(
            "CryptoService/Sign",
            "nobody",
            sign(32),
            Code::PermissionDenied,
            ("KeySign", 403, "ACTION_NOT_GRANTED", "hsms/local/keys/a"),
        ),
        case(
            "CryptoService/Sign",
            "",
            sign(32),
            Code::Unauthenticated,
            ("KeySign", 401, "UNAUTHENTICATED", ""),
        ),
        case(
            "KeyService/GetKey",
            "dev",
            get("hsms/local/keys/b"),
            Code::NotFound,
            ("KeyGet", 404, "KEY_NOT_FOUND", "hsms/local/keys/b"),
        ),
        case(
            "KeyService/GetKey",
            "dev",
            get("x\n\u{202e}y"),
            Code::InvalidArgument,
            ("KeyGet", 400, "BAD_PARAMETER", ""),
        ),
        case(
            "KeyService/GetKey",
            "dev",
            get("hsms/elsewhere/keys/a"),
            Code::NotFound,
            ("KeyGet", 404, "HSM_NOT_FOUND", "hsms/elsewhere/keys/a"),
        ),
        case(
            "KeyService/GetKey",
            "dev",
            raw::frame(&[0xff; 9]),
            Code::InvalidArgument,
            ("KeyGet", 400, "BAD_PARAMETER", ""),
        ),
        case(
            "KeyService/GetKey",
            "",
            raw::frame(&[0xff; 9]),
            Code::Unauthenticated,
            ("KeyGet", 401, "UNAUTHENTICATED", ""),
        ),
        case(
            "KeyService/GetKey",
            "dev",
            raw::frame(&vec![0; 1 << 21]),
            Code::ResourceExhausted,
            ("KeyGet", 413, "REQUEST_TOO_LARGE", ""),
        ),
        case(
            "KeyService/Fly",
            "dev",
            raw::frame(&[]),
            Code::Unimplemented,
            ("UnknownOperation", 501, "NOT_AVAILABLE", ""),
        ),
        case(
            "KeyService/CreateKey",
            "nobody",
            create,
            Code::PermissionDenied,
            ("KeyCreate", 403, "ACTION_NOT_GRANTED", "hsms/local/keys/a"),
        ),
    ]
}

#[tokio::test]
async fn each_call_writes_one_audit_entry_with_its_outcome() {
    let mut server = Server::start();
    let channel = server.channel().await;
    let cases = cases();
    for (number, case) in cases.iter().enumerate() {
        let id = uuid::Uuid::from_u128(number as u128 + 1).to_string();
        let bearer = if case.who.is_empty() {
            String::new()
        } else {
            {
                let (service, rpc) = case.rpc.split_once('/').unwrap();
                format!("Bearer {}", server.access_tokens(case.who).await.for_rpc(service, rpc))
            }
        };
        let mut headers = vec![("x-correlation-id", id.as_str()), ("user-agent", "suite/1.0 \"x\"")];
        if !bearer.is_empty() {
            headers.push(("authorization", &bearer));
        }
        let path = format!("/strongroom.v1.{}", case.rpc);
        let answer = raw::send(&channel, &path, &headers, case.body.clone()).await;
        assert_eq!(answer.status.code(), case.code, "{number}: {:?}", answer.status);
        assert_eq!(answer.correlation_id(), id);
    }
    let records = server.audit(cases.len());
    assert_eq!(records.len(), cases.len(), "one entry for each call and no other");
    let connection = server.connection();
    let numbers: Vec<u64> = records.iter().map(|record| record["seq"].as_u64().unwrap()).collect();
    assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
    for (number, (record, case)) in records.iter().zip(&cases).enumerate() {
        let text = |name: &str| record[name].as_str().unwrap_or_else(|| panic!("{name}: {record}"));
        let mut members: Vec<&str> = record.as_object().unwrap().keys().map(String::as_str).collect();
        let mut wanted = MEMBERS.to_vec();
        members.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(members, wanted);
        let (operation, status, signature, target) = case.record;
        let found =
            (text("operationName"), record["httpStatusCode"].as_u64().unwrap(), text("resultSignature"));
        assert_eq!(found, (operation, u64::from(status), signature), "{record}");
        assert_eq!(text("resultType"), if status == 200 { "Success" } else { "Failure" });
        assert!(text("target").starts_with(target), "{record}");
        assert_eq!(text("target").is_empty(), target.is_empty(), "{record}");
        assert_eq!(text("correlationId"), uuid::Uuid::from_u128(number as u128 + 1).to_string());
        assert_eq!(text("requestUri"), format!("/strongroom.v1.{}", case.rpc));
        assert!(text("clientInfo").starts_with("suite/1.0 \"x\""), "{record}");
        assert_eq!(
            (text("category"), text("operationVersion"), text("callerIpAddress")),
            ("AuditEvent", "v1", "127.0.0.1")
        );
        assert!(text("time").ends_with('Z') && text("time").parse::<jiff::Timestamp>().is_ok(), "{record}");
        assert!(record["durationMs"].is_u64());
        let identity: Value = serde_json::from_str(text("identity")).unwrap();
        let who = &identity["claim"]["http_schemas_microsoft_com_identity"]["claims"]["objectidentifier"];
        if case.who.is_empty() {
            assert_eq!(identity, serde_json::json!({"claim": {}}), "{record}");
        } else {
            let principal = server.principal(case.who);
            assert_eq!(who, &principal.object_id, "{record}");
            assert_eq!(identity["claim"]["appid"], principal.client_id);
        }
        if target.starts_with("hsms/local") {
            assert_eq!(
                (text("TenantId"), text("PoolName"), text("resource")),
                (&*connection.tenant_id, "local", "local")
            );
            let id = format!(
                "/SUBSCRIPTIONS/{}/RESOURCEGROUPS/{}/PROVIDERS/MICROSOFT.KEYVAULT/MANAGEDHSMS/LOCAL",
                connection.subscription_id.to_uppercase(),
                connection.resource_group.to_uppercase()
            );
            assert_eq!(text("resourceId"), id);
            assert_eq!(record["properties"]["PoolType"], "M-HSM");
        }
    }
    // The raw text has no control or bidirectional characters that could manipulate a terminal.
    assert!(server.stop().success());
    let directory = server.directory().join("audit");
    for file in files(&directory) {
        let text = std::fs::read_to_string(file).unwrap();
        assert!(text.chars().all(|c| c == '\n' || !c.is_control() && c != '\u{202e}'));
    }
    let report = strongroom::audit::verify(&directory).unwrap();
    assert_eq!((report.broken, report.first), (None, Some(1)));
    assert!(report.last >= numbers.last().copied());
}

#[tokio::test]
async fn sequence_numbers_have_no_gaps_under_load_and_after_restart() {
    let mut server = Server::start();
    let mut calls = 0;
    for _ in 0..2 {
        let mut tasks = Vec::new();
        for number in 0..8 {
            let mut client = server.client(if number % 2 == 0 { "dev" } else { "nobody" }).await;
            tasks.push(tokio::spawn(async move {
                for _ in 0..20 {
                    let _ = client
                        .keys
                        .list_keys(pb::ListKeysRequest {
                            parent: "hsms/local".to_owned(),
                            ..Default::default()
                        })
                        .await;
                }
            }));
            calls += 20;
        }
        for task in tasks {
            task.await.unwrap();
        }
        server.restart();
    }
    let records = server.audit(calls);
    assert_eq!(records.len(), calls);
    let every = server.audit_where(calls, |_| true);
    assert!(every.iter().zip(1..).all(|(record, seq)| record["seq"] == seq));
    assert!(server.stop().success());
    let directory = server.directory().join("audit");
    assert_eq!(strongroom::audit::verify(&directory).unwrap().broken, None);

    // Negative control: a change of a few letters breaks the chain.
    let is_log = |file: &PathBuf| file.extension().is_some_and(|kind| kind == "jsonl");
    let file = files(&directory).into_iter().rfind(is_log).unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replacen("\"nobody", "\"nobodi", 1).replacen("Failure", "Success", 1))
        .unwrap();
    assert!(strongroom::audit::verify(&directory).unwrap().broken.is_some());
}

/// A secret that was sent to the server or that the server generated, with its description.
struct Needle(&'static str, Vec<u8>);

/// Returns every encoding in which a secret might appear in a file.
fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let list: Vec<String> = secret.iter().map(u8::to_string).collect();
    // Base64 of a part: the encoding depends on the position modulo 3 within the surrounding data.
    let mut forms = vec![
        secret.to_vec(),
        hex.clone().into_bytes(),
        hex.to_uppercase().into_bytes(),
        list.join(", ").into_bytes(),
        list.join(",").into_bytes(),
        format!("{:?}", String::from_utf8_lossy(secret)).trim_matches('"').as_bytes().to_vec(),
    ];
    for shift in 0..3 {
        let aligned = &secret[shift..][..(secret.len() - shift) / 3 * 3];
        forms.push(STANDARD.encode(aligned).into_bytes());
        forms.push(URL_SAFE_NO_PAD.encode(aligned).into_bytes());
    }
    forms
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// Returns a description of each occurrence of a needle in the files.
fn leaks(files: &[PathBuf], needles: &[Needle]) -> Vec<String> {
    let mut leaks = Vec::new();
    for file in files {
        let content = std::fs::read(file).unwrap();
        for Needle(what, secret) in needles {
            for form in forms(secret) {
                if content.windows(form.len()).any(|window| window == form) {
                    leaks.push(format!("{what} in {}", file.display()));
                }
            }
        }
    }
    leaks
}

#[tokio::test]
async fn no_secret_leaks_into_logs_audit_or_database() {
    // The most verbose log level, for the program and all its dependencies.
    let mut server = Server::start_with(&[], &[("STRONGROOM_LOG__FILTER", "trace")]);
    let token = server.access_token("dev").await;
    let mut dev = server.client("dev").await;
    let plaintext = b"plaintext-71c9e2-of-a-caller".to_vec();
    let wrapped = b"wrapped-key-material-0123456789!".to_vec();
    let imported = b"imported-oct-key-bytes-98765432!".to_vec();
    let aes = "hsms/local/keys/aes".to_owned();
    dev.create(oct("aes", 256)).await.unwrap();
    dev.create(rsa("rsa", 2048)).await.unwrap();
    let gcm = pb::EncryptRequest {
        name: aes.clone(),
        algorithm: "A256GCM".to_owned(),
        plaintext: plaintext.clone(),
        ..Default::default()
    };
    let sealed = dev.crypto.encrypt(gcm.clone()).await.unwrap().into_inner();
    let open = pb::DecryptRequest {
        name: aes.clone(),
        algorithm: sealed.algorithm,
        ciphertext: sealed.ciphertext,
        iv: sealed.iv,
        authentication_tag: sealed.authentication_tag,
        ..Default::default()
    };
    assert_eq!(dev.crypto.decrypt(open).await.unwrap().into_inner().plaintext, plaintext);
    let wrap = |name: &str, algorithm: &str| pb::WrapKeyRequest {
        name: name.to_owned(),
        algorithm: algorithm.to_owned(),
        key: wrapped.clone(),
    };
    let done = dev.crypto.wrap_key(wrap(&aes, "A256KW")).await.unwrap().into_inner();
    let unwrap =
        pb::UnwrapKeyRequest { name: aes.clone(), algorithm: done.algorithm, wrapped_key: done.wrapped_key };
    assert_eq!(dev.crypto.unwrap_key(unwrap).await.unwrap().into_inner().key, wrapped);
    dev.crypto.wrap_key(wrap("hsms/local/keys/rsa", "RSA-OAEP-256")).await.unwrap();
    let material =
        pb::ImportKeyMaterial { kty: "oct-HSM".to_owned(), k: imported.clone(), ..Default::default() };
    let import = pb::ImportKeyRequest {
        parent: "hsms/local".to_owned(),
        key_id: "imported".to_owned(),
        key: Some(material),
        ..Default::default()
    };
    dev.keys.import_key(import.clone()).await.unwrap();
    // Errors may quote input: the same bytes in rejected requests and in an undecodable message.
    let invalid = pb::EncryptRequest { algorithm: "A256".to_owned(), ..gcm };
    dev.crypto.encrypt(invalid).await.unwrap_err();
    dev.crypto.wrap_key(wrap("hsms/local/keys/none", "A256KW")).await.unwrap_err();
    dev.keys
        .import_key(pb::ImportKeyRequest { key_id: "a b".to_owned(), ..import.clone() })
        .await
        .unwrap_err();
    let random = pb::GenerateRandomBytesRequest { parent: "hsms/local".to_owned(), count: 32 };
    let random = dev.crypto.generate_random_bytes(random).await.unwrap().into_inner().value;
    let channel = server.channel().await;
    let bearer = format!("Bearer {token}");
    let broken = [import.encode_to_vec(), vec![0xff]].concat();
    raw::send(
        &channel,
        "/strongroom.v1.KeyService/ImportKey",
        &[("authorization", &bearer)],
        raw::frame(&broken),
    )
    .await;
    let forged = format!("{}x", &bearer[..bearer.len() - 1]);
    raw::send(&channel, "/strongroom.v1.KeyService/GetKey", &[("authorization", &forged)], raw::frame(&[]))
        .await;
    let basic = [("authorization", "Basic c2VjcmV0LWluLWJhc2ljLWF1dGg=")];
    raw::send(&channel, "/strongroom.v1.KeyService/GetKey", &basic, raw::frame(&[])).await;
    batch_values::use_batches(&mut dev, &aes, &plaintext, &wrapped).await;
    secret_values::use_secrets(&server, &mut dev).await;
    let [number, line] = secret_values::use_certificates(&server, &mut dev).await;
    server.restart();
    assert!(server.stop().success());

    let data = server.directory();
    let read = |name: &str| std::fs::read(data.join(name)).unwrap();
    let mut needles = vec![
        Needle("a plaintext", plaintext),
        Needle("a key to be wrapped", wrapped),
        Needle("an imported key", imported),
        Needle("random bytes", random),
        Needle("the value of a secret", secret_values::VALUE.into()),
        Needle("the password of a file", secret_values::PASSWORD.into()),
        Needle("an imported private key", number),
        Needle("an imported private key in PEM", line),
        Needle("an access token's signature", token.rsplit('.').next().unwrap().as_bytes().to_vec()),
        Needle("a token in another scheme", b"c2VjcmV0LWluLWJhc2ljLWF1dGg".to_vec()),
        Needle("the PIN", read("token.pin")),
        Needle("the security officer's PIN", read("token.so-pin")),
    ];
    for principal in server.connection().principals {
        needles.push(Needle("a client secret", principal.client_secret.into_bytes()));
    }
    needles.push(Needle("the managed identities' secret", read("authority/identity-header")));
    let certificate = String::from_utf8(read("certificates/dev.pem")).unwrap();
    let line_of_key = certificate.lines().nth(3).unwrap();
    needles.push(Needle("an application's key", line_of_key.as_bytes().to_vec()));
    let may_hold = ["connection.json", "token.pin", "token.so-pin", "authority", "certificates", "tls"];
    let mut everywhere = files(&data);
    everywhere.retain(|file| !may_hold.iter().any(|name| file.starts_with(data.join(name))));
    let log = data.parent().unwrap().join("server.log");
    assert!(std::fs::read_to_string(&log).unwrap().contains("\"TRACE\""));
    everywhere.push(log);
    assert!(everywhere.len() > 8, "{everywhere:?}");
    assert_eq!(leaks(&everywhere, &needles), [] as [String; 0]);
    // Negative control: the search finds the secrets in the files that may hold them.
    let found = leaks(&files(&data), &needles);
    for what in ["the PIN in", "the security officer's PIN in", "a client secret in"] {
        assert!(found.iter().any(|leak| leak.starts_with(what)), "{what}: {found:?}");
    }
}

#[test]
fn debug_output_of_messages_redacts_secrets() {
    let secret = vec![0xc3; 32];
    let (name, algorithm) = ("n".to_owned(), "a".to_owned());
    let material = || pb::ImportKeyMaterial {
        k: secret.clone(),
        d: secret.clone(),
        p: secret.clone(),
        q: secret.clone(),
        dp: secret.clone(),
        dq: secret.clone(),
        qi: secret.clone(),
        ..Default::default()
    };
    let printed = [
        format!("{:?}", pb::EncryptRequest { plaintext: secret.clone(), ..Default::default() }),
        format!("{:#?}", pb::DecryptResponse { plaintext: secret.clone(), ..Default::default() }),
        format!("{:?}", pb::WrapKeyRequest { key: secret.clone(), ..Default::default() }),
        format!("{:?}", pb::UnwrapKeyResponse { name, algorithm, key: secret.clone() }),
        format!("{:?}", pb::GenerateRandomBytesResponse { value: secret.clone() }),
        format!("{:?}", material()),
        format!("{:?}", pb::SetSecretRequest { value: Some("195".to_owned()), ..Default::default() }),
        format!("{:?}", pb::ImportCertificateRequest { value: secret.clone(), ..Default::default() }),
        format!("{:?}", pb::ImportCertificateRequest { password: "195".to_owned(), ..Default::default() }),
        format!("{:?}", pb::SecretBundle { value: Some("195".to_owned()), ..Default::default() }),
        format!(
            "{:?}",
            tonic::Request::new(pb::ImportKeyRequest { key: Some(material()), ..Default::default() })
        ),
    ];
    for text in printed {
        assert!(!text.contains("195"), "{text}");
    }
}
