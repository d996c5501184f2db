//! Tests gateway mode: an existing token, configured certificates and a configured issuer, without a seed.

mod absent_token;
mod certificates;
mod console;
mod core_dumps;
mod fixture;
mod instances;
mod pool;
mod postgres;
mod shared_token;
mod stepped_clock;
mod time;
mod vaults;

use strongroom::api::grpc::pb;
use tonic::{Code, Status};

use crate::support::{Client, ec, reason};
use fixture::{ADMIN, CertificateAuthority, Gateway, MACHINE, PIN, TENANT};

const HSM: &str = "hsms/payments";
const KEY: &str = "hsms/payments/keys/invoices";

/// Assigns a principal the role Managed HSM Crypto User at `/keys`.
async fn assign_crypto_user(admin: &mut Client, principal: &str) {
    assign_crypto_user_of(HSM, admin, principal).await;
}

/// As [`assign_crypto_user`], in this HSM.
async fn assign_crypto_user_of(hsm: &str, admin: &mut Client, principal: &str) {
    let roles = pb::ListRoleDefinitionsRequest { parent: hsm.to_owned() };
    let roles = admin.access.list_role_definitions(roles).await.unwrap().into_inner().role_definitions;
    let user = roles.iter().find(|role| role.role_name == "Managed HSM Crypto User").unwrap();
    let request = pb::CreateRoleAssignmentRequest {
        parent: hsm.to_owned(),
        role_definition: user.name.clone(),
        principal_id: principal.to_owned(),
        scope: "/keys".to_owned(),
        ..Default::default()
    };
    admin.access.create_role_assignment(request).await.unwrap();
}

async fn create_invoices_key(client: &mut Client) -> Result<pb::KeyBundle, Status> {
    client.create(pb::CreateKeyRequest { parent: HSM.to_owned(), ..ec("invoices", "P-256") }).await
}

/// Signs, and verifies the signature with another implementation.
async fn sign(client: &mut Client, made: &pb::KeyBundle) -> Result<(), Status> {
    use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
    let digest = vec![0x2a; 32];
    let request =
        pb::SignRequest { name: KEY.to_owned(), algorithm: "ES256".to_owned(), digest: digest.clone() };
    let signature = client.crypto.sign(request).await?.into_inner().signature;
    let public = made.key.as_ref().unwrap();
    let point = [&[4][..], &public.x, &public.y].concat();
    let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&point).unwrap();
    key.verify_prehash(&digest, &p256::ecdsa::Signature::from_slice(&signature).unwrap()).unwrap();
    Ok(())
}

#[tokio::test]
async fn authenticates_by_token_and_certificate_across_restart() {
    let mut gateway = Gateway::new();
    let port = gateway.start();
    let mut admin = Client::new(gateway.connect(port, None).await.unwrap(), Some(&gateway.token(ADMIN)));
    let refused = create_invoices_key(&mut admin).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied, "administrators may not create keys: {refused:?}");
    assign_crypto_user(&mut admin, MACHINE).await;

    let billing = gateway.clients.issue("billing", &[]);
    let mut machine = Client::new(gateway.connect(port, Some(&billing)).await.unwrap(), None);
    let made = create_invoices_key(&mut machine).await.unwrap();
    sign(&mut machine, &made).await.unwrap();

    // The same principal by access token; an access token takes precedence over the client certificate.
    let mut by_token = Client::new(gateway.connect(port, None).await.unwrap(), Some(&gateway.token(MACHINE)));
    sign(&mut by_token, &made).await.unwrap();
    let mut with_both =
        Client::new(gateway.connect(port, Some(&billing)).await.unwrap(), Some(&gateway.token(ADMIN)));
    assert_eq!(sign(&mut with_both, &made).await.unwrap_err().code(), Code::PermissionDenied);

    // Unauthenticated clients: a certificate without a mapping, no credential, an invalid access token.
    let unknown = gateway.clients.issue("unknown", &[]);
    for (what, client) in [
        ("no mapping", Client::new(gateway.connect(port, Some(&unknown)).await.unwrap(), None)),
        ("no credential", Client::new(gateway.connect(port, None).await.unwrap(), None)),
        ("a bad token", Client::new(gateway.connect(port, Some(&billing)).await.unwrap(), Some("x"))),
    ] {
        let mut client = client;
        let refused = sign(&mut client, &made).await.unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::Unauthenticated, "UNAUTHENTICATED"),
            "{what}"
        );
    }
    let rogue = CertificateAuthority::new("example clients").issue("billing", &[]);
    if let Ok(channel) = gateway.connect(port, Some(&rogue)).await {
        // With TLS 1.3 the client learns of the rejected certificate when it first reads.
        let refused = sign(&mut Client::new(channel, None), &made).await.unwrap_err();
        assert!(refused.code() != Code::Unauthenticated, "rejected by TLS, not by the service: {refused:?}");
    }

    gateway.stop();
    let port = gateway.start();
    let mut machine = Client::new(gateway.connect(port, Some(&billing)).await.unwrap(), None);
    sign(&mut machine, &made).await.unwrap();
    let found = machine.keys.get_key(pb::GetKeyRequest { name: KEY.to_owned() }).await.unwrap().into_inner();
    assert_eq!(found, made);
    assert!(!gateway.log().contains("\"ERROR\"") && !gateway.log().contains(PIN), "{}", gateway.log());
}

#[tokio::test]
async fn simulator_only_routes_and_files_are_absent() {
    let mut gateway = Gateway::new();
    let port = gateway.start();
    let http = reqwest::Client::builder()
        .http1_only()
        .tls_certs_only([reqwest::Certificate::from_pem(gateway.authority.pem.as_bytes()).unwrap()])
        .build()
        .unwrap();
    let get = async |path: &str, host: &str| {
        let url = format!("https://127.0.0.1:{port}{path}");
        http.get(url).header("host", host).send().await.unwrap()
    };
    for host in ["login.localhost", "login.microsoftonline.com", "localhost"] {
        for path in [
            format!("/{TENANT}/oauth2/v2.0/token"),
            format!("/{TENANT}/v2.0/.well-known/openid-configuration"),
            format!("/{TENANT}/discovery/v2.0/keys"),
            "/ca.pem".to_owned(),
        ] {
            let answer = get(&path, host).await;
            // This host serves the data plane, which authenticates before routing.
            let answers: &[u16] = if host == "localhost" && path != "/ca.pem" { &[401] } else { &[404] };
            assert!(answers.contains(&answer.status().as_u16()), "{host}{path}: {}", answer.status());
        }
    }
    let health: serde_json::Value = get("/healthz", "localhost").await.json().await.unwrap();
    assert_eq!((health["mode"].as_str(), health["status"].as_str()), (Some("gateway"), Some("serving")));
    for name in ["connection.json", "dev.env", "ca.pem", "authority", "token.pin", "softhsm", "tls"] {
        assert!(!gateway.path("data").join(name).exists(), "{name}");
    }
    assert!(gateway.path("data/strongroom.db").exists() && gateway.path("data/audit").exists());
}

#[tokio::test]
async fn config_assigns_control_plane_roles() {
    let mut gateway = Gateway::new();
    let role = |principal: &str, role: &str, scope: &str| {
        format!(
            "\n[[control_plane_role]]\nprincipal = \"{principal}\"\nrole = \"{role}\"\nscope = \"{scope}\"\n"
        )
    };
    // Without a configured subscription, its id is that of the tenant.
    let (name, scope) = (format!("subscriptions/{TENANT}"), format!("/subscriptions/{TENANT}"));
    let plain = gateway.configuration();
    for (added, message) in [
        (role(MACHINE, "Key Master", &scope), "Key Master"),
        (role(MACHINE, "Reader", "/subscriptions/x"), "scope"),
        (role(MACHINE, "Reader", &format!("/subscriptions/{MACHINE}")), "subscription not found"),
    ] {
        gateway.write("strongroom.toml", &(plain.clone() + &added));
        let stderr = String::from_utf8_lossy(&gateway.fails().stderr).into_owned();
        assert!(stderr.contains(message), "{message}: {stderr}");
    }
    gateway.write("strongroom.toml", &(plain + &role(MACHINE, "reader", &scope)));
    for _ in 0..2 {
        let port = gateway.start();
        let mut machine =
            Client::with_tokens(gateway.connect(port, None).await.unwrap(), &gateway.bearers(MACHINE));
        let read = pb::GetSubscriptionRequest { name: name.clone() };
        let read = machine.resources.get_subscription(read).await.unwrap().into_inner();
        assert_eq!((read.name.as_str(), read.tenant_id.as_str()), (name.as_str(), TENANT));
        let groups = pb::ListResourceGroupsRequest { parent: name.clone() };
        let groups = machine.resources.list_resource_groups(groups).await.unwrap().into_inner();
        assert_eq!(groups.resource_groups[0].name, format!("{name}/resourceGroups/default"));
        // Restarts do not repeat the assignment.
        let assigned = pb::ListControlRoleAssignmentsRequest { parent: name.clone(), ..Default::default() };
        let assigned =
            machine.authorization.list_control_role_assignments(assigned).await.unwrap().into_inner();
        assert_eq!(assigned.role_assignments.len(), 1);
        // Administrators of the HSM have no role of the control plane.
        let mut admin =
            Client::with_tokens(gateway.connect(port, None).await.unwrap(), &gateway.bearers(ADMIN));
        let refused =
            admin.resources.get_subscription(pb::GetSubscriptionRequest { name: name.clone() }).await;
        assert_eq!(reason(&refused.unwrap_err()), "ACTION_NOT_GRANTED");
        gateway.stop();
    }
}

#[tokio::test]
async fn revoked_certificate_is_rejected_on_open_connections_too() {
    let mut gateway = Gateway::new();
    let (lost, kept) = (gateway.clients.issue("billing", &[]), gateway.clients.issue("billing", &[]));
    gateway.write("clients.crl", &gateway.clients.revoke(&[]));
    let lists = format!("[identity.revocation]\ncrl_files = [{:?}]\n", gateway.path("clients.crl"));
    gateway.write("strongroom.toml", &format!("{}\n{lists}", gateway.configuration()));
    let port = gateway.start();
    let list = async |client: &mut Client| {
        let parent = "hsms/payments".to_owned();
        client.keys.list_keys(pb::ListKeysRequest { parent, ..Default::default() }).await.map(drop)
    };
    let mut by_lost = Client::new(gateway.connect(port, Some(&lost)).await.unwrap(), None);
    let mut by_kept = Client::new(gateway.connect(port, Some(&kept)).await.unwrap(), None);
    for client in [&mut by_lost, &mut by_kept] {
        assert_eq!(reason(&list(client).await.unwrap_err()), "ACTION_NOT_GRANTED");
    }
    gateway.write("clients.crl", &gateway.clients.revoke(&[&lost]));
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    let refused = list(&mut by_lost).await.unwrap_err();
    assert_eq!(
        (reason(&refused).as_str(), refused.message()),
        ("UNAUTHENTICATED", "the client certificate is revoked")
    );
    assert_eq!(reason(&list(&mut by_kept).await.unwrap_err()), "ACTION_NOT_GRANTED");
    // With TLS 1.3 the client learns of the rejected certificate with its first call.
    if let Ok(channel) = gateway.connect(port, Some(&lost)).await {
        let refused = list(&mut Client::new(channel, None)).await.unwrap_err();
        assert_ne!(reason(&refused), "ACTION_NOT_GRANTED", "{refused:?}");
    }
    let mut again = Client::new(gateway.connect(port, Some(&kept)).await.unwrap(), None);
    assert_eq!(reason(&list(&mut again).await.unwrap_err()), "ACTION_NOT_GRANTED");
    gateway.stop();
}

#[tokio::test]
async fn rejects_different_token_with_same_label() {
    let mut gateway = Gateway::new();
    let port = gateway.start();
    let mut admin = Client::new(gateway.connect(port, None).await.unwrap(), Some(&gateway.token(ADMIN)));
    assign_crypto_user(&mut admin, ADMIN).await;
    let made = create_invoices_key(&mut admin).await.unwrap();
    gateway.stop();

    // Another token with the label and the PIN of the first, as if the device was replaced.
    std::fs::rename(gateway.path("tokens"), gateway.path("original-tokens")).unwrap();
    std::fs::create_dir(gateway.path("tokens")).unwrap();
    gateway.initialize("vault-7", PIN);
    let output = gateway.fails();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("payments") && stderr.contains("serial") && stderr.contains("vault-7"),
        "{stderr}"
    );

    // No token at all: none is initialized.
    std::fs::remove_dir_all(gateway.path("tokens")).unwrap();
    std::fs::create_dir(gateway.path("tokens")).unwrap();
    assert!(String::from_utf8_lossy(&gateway.fails().stderr).contains("there is no token"));

    std::fs::remove_dir_all(gateway.path("tokens")).unwrap();
    std::fs::rename(gateway.path("original-tokens"), gateway.path("tokens")).unwrap();
    let port = gateway.start();
    let mut admin = Client::new(gateway.connect(port, None).await.unwrap(), Some(&gateway.token(ADMIN)));
    sign(&mut admin, &made).await.unwrap();
}

#[test]
fn wrong_pin_is_tried_once_and_not_printed() {
    let gateway = Gateway::new();
    let wrong = "2604-wrong-horse";
    let counter = gateway.path("pin-commands");
    let script = format!("echo x >> {}; echo {wrong}", counter.display());
    let command = format!("pin = {{ command = [\"sh\", \"-c\", \"{script}\"] }}");
    let configuration = gateway.configuration();
    let file = configuration.lines().find(|line| line.starts_with("pin = ")).unwrap();
    gateway.write("strongroom.toml", &configuration.replace(file, &command));
    let output = gateway.fails();
    let printed =
        format!("{}{}", String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
    assert!(printed.contains("CKR_PIN_INCORRECT") && printed.contains("not tried again"), "{printed}");
    assert!(printed.contains("payments") && !printed.contains(wrong) && !printed.contains(PIN), "{printed}");
    assert_eq!(printed.matches("CKR_PIN_INCORRECT").count(), 1, "{printed}");
    assert_eq!(std::fs::read_to_string(counter).unwrap(), "x\n");

    for (text, wanted) in [("", "the secret is empty"), ("\n", "the secret is empty")] {
        gateway.write("pin", text);
        gateway.write("strongroom.toml", &configuration);
        let output = gateway.fails();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains(wanted), "{stderr}");
    }
}

#[test]
fn config_errors_name_file_and_setting() {
    let gateway = Gateway::new();
    let good = gateway.configuration();
    let check = |text: &str| {
        gateway.write("strongroom.toml", text);
        gateway.command(&["config", "check", "--config", "strongroom.toml"]).output().unwrap()
    };
    let output = check(&good);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let without = |start: &str| -> String {
        good.lines().filter(|line| !line.starts_with(start)).map(|line| format!("{line}\n")).collect()
    };
    for (text, message) in [
        (good.replace("[server]", "[server]\nport = 1"), &["strongroom.toml", "port"][..]),
        (good.replace("\"gateway\"", "\"cloud\""), &["strongroom.toml", "mode"]),
        (good.replace("\"v1\"", "\"v2\""), &["strongroom.toml", "version"]),
        (good.replace("\"127.0.0.1:0\"", "\"everywhere\""), &["strongroom.toml", "listen"]),
        (good.replace("name = \"payments\"", "name = \"-\""), &["strongroom.toml", "HSM name"]),
        (good.replace(TENANT, "contoso"), &["strongroom.toml", "tenant"]),
        (good.replace("[token]", "[token"), &["strongroom.toml"]),
        (without("module ="), &["token.module"]),
        (without("certificate_file ="), &["server.certificate_file"]),
        (without("client_ca_file ="), &["server.client_ca_file"]),
        (without("administrators ="), &["hsm.administrators"]),
        (without("token ="), &["hsm.token"]),
        (without("jwks_file ="), &["jwks_file"]),
        (good.replace("server.pem", "missing.pem"), &["server.certificate_file", "missing.pem"]),
        (good.replace("libsofthsm2.so", "missing.so"), &["token.module", "missing.so"]),
    ] {
        let output = check(&text);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{message:?}");
        for part in message {
            assert!(stderr.contains(part), "{part}: {stderr}");
        }
        assert!(!stderr.contains("panicked"), "{stderr}");
        // The server prints the same error.
        assert!(String::from_utf8_lossy(&gateway.fails().stderr).contains(message[0]), "{message:?}");
    }
    for (file, content, message) in [
        ("server.pem", "no certificate", "server.c"),
        ("server-key.pem", "no key", "server.key_file"),
        ("jwks.json", "no keys", "jwks.json"),
        ("client-ca.pem", "no authority", "server.client_ca_file"),
    ] {
        let before = std::fs::read_to_string(gateway.path(file)).unwrap();
        gateway.write("strongroom.toml", &good);
        gateway.write(file, content);
        let output = gateway.fails();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains(message), "{file}: {stderr}");
        gateway.write(file, &before);
    }
}
