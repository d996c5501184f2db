//! A gateway before a token that somebody else prepared: real certificates, an issuer of its own, nothing made up.

mod core_dumps;
mod pool;
mod site;
mod time;

use strongroom::api::grpc::pb;
use tonic::{Code, Status};

use crate::support::{Client, ec, reason};
use site::{ADMIN, Authority, MACHINE, PIN, Site, TENANT};

const HSM: &str = "hsms/payments";
const KEY: &str = "hsms/payments/keys/invoices";

/// Lets a principal use keys.
async fn admit(admin: &mut Client, principal: &str) {
    let roles = pb::ListRoleDefinitionsRequest { parent: HSM.to_owned() };
    let roles = admin.access.list_role_definitions(roles).await.unwrap().into_inner().role_definitions;
    let user = roles.iter().find(|role| role.role_name == "Managed HSM Crypto User").unwrap();
    let request = pb::CreateRoleAssignmentRequest {
        parent: HSM.to_owned(),
        role_definition: user.name.clone(),
        principal_id: principal.to_owned(),
        scope: "/keys".to_owned(),
        ..Default::default()
    };
    admin.access.create_role_assignment(request).await.unwrap();
}

async fn make(client: &mut Client) -> Result<pb::KeyBundle, Status> {
    client.create(pb::CreateKeyRequest { parent: HSM.to_owned(), ..ec("invoices", "P-256") }).await
}

/// Signs and checks the signature outside.
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
    let mut site = Site::new();
    let port = site.start();
    let mut admin = Client::new(site.connect(port, None).await.unwrap(), Some(&site.token(ADMIN)));
    let refused = make(&mut admin).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied, "administrators hold no keys: {refused:?}");
    admit(&mut admin, MACHINE).await;

    let billing = site.clients.issue("billing", &[]);
    let mut machine = Client::new(site.connect(port, Some(&billing)).await.unwrap(), None);
    let made = make(&mut machine).await.unwrap();
    sign(&mut machine, &made).await.unwrap();

    // The same principal by token; and a token on a connection with a certificate decides.
    let mut by_token = Client::new(site.connect(port, None).await.unwrap(), Some(&site.token(MACHINE)));
    sign(&mut by_token, &made).await.unwrap();
    let mut passed_on =
        Client::new(site.connect(port, Some(&billing)).await.unwrap(), Some(&site.token(ADMIN)));
    assert_eq!(sign(&mut passed_on, &made).await.unwrap_err().code(), Code::PermissionDenied);

    // Strangers: known to the authority and to no rule; known to no authority; nobody at all.
    let unknown = site.clients.issue("unknown", &[]);
    for (what, client) in [
        ("no rule", Client::new(site.connect(port, Some(&unknown)).await.unwrap(), None)),
        ("no credential", Client::new(site.connect(port, None).await.unwrap(), None)),
        ("a bad token", Client::new(site.connect(port, Some(&billing)).await.unwrap(), Some("x"))),
    ] {
        let mut client = client;
        let refused = sign(&mut client, &made).await.unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::Unauthenticated, "UNAUTHENTICATED"),
            "{what}"
        );
    }
    let rogue = Authority::new("example clients").issue("billing", &[]);
    if let Ok(channel) = site.connect(port, Some(&rogue)).await {
        // TLS 1.3 tells the client only when it reads.
        let refused = sign(&mut Client::new(channel, None), &made).await.unwrap_err();
        assert!(refused.code() != Code::Unauthenticated, "refused in TLS, not above it: {refused:?}");
    }

    site.stop();
    let port = site.start();
    let mut machine = Client::new(site.connect(port, Some(&billing)).await.unwrap(), None);
    sign(&mut machine, &made).await.unwrap();
    let found = machine.keys.get_key(pb::GetKeyRequest { name: KEY.to_owned() }).await.unwrap().into_inner();
    assert_eq!(found, made);
    assert!(!site.log().contains("\"ERROR\"") && !site.log().contains(PIN), "{}", site.log());
}

#[tokio::test]
async fn simulator_only_routes_and_files_are_absent() {
    let mut site = Site::new();
    let port = site.start();
    let http = reqwest::Client::builder()
        .add_root_certificate(reqwest::Certificate::from_pem(site.authority.pem.as_bytes()).unwrap())
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
            // At this host is a data plane, which asks everybody first who they are.
            let answers: &[u16] = if host == "localhost" && path != "/ca.pem" { &[401] } else { &[404] };
            assert!(answers.contains(&answer.status().as_u16()), "{host}{path}: {}", answer.status());
        }
    }
    let health: serde_json::Value = get("/healthz", "localhost").await.json().await.unwrap();
    assert_eq!((health["mode"].as_str(), health["status"].as_str()), (Some("gateway"), Some("serving")));
    for name in ["connection.json", "dev.env", "ca.pem", "authority", "token.pin", "softhsm", "tls"] {
        assert!(!site.path("data").join(name).exists(), "{name}");
    }
    assert!(site.path("data/strongroom.db").exists() && site.path("data/audit").exists());
}

#[tokio::test]
async fn config_assigns_control_plane_roles() {
    let mut site = Site::new();
    let role = |principal: &str, role: &str, scope: &str| {
        format!(
            "\n[[control_plane_role]]\nprincipal = \"{principal}\"\nrole = \"{role}\"\nscope = \"{scope}\"\n"
        )
    };
    // Where no subscription is named, the tenant stands for one.
    let (name, scope) = (format!("subscriptions/{TENANT}"), format!("/subscriptions/{TENANT}"));
    let plain = site.configuration();
    for (added, told) in [
        (role(MACHINE, "Key Master", &scope), "Key Master"),
        (role(MACHINE, "Reader", "/subscriptions/x"), "scope"),
        (role(MACHINE, "Reader", &format!("/subscriptions/{MACHINE}")), "subscription not found"),
    ] {
        site.write("strongroom.toml", &(plain.clone() + &added));
        let said = String::from_utf8_lossy(&site.fails().stderr).into_owned();
        assert!(said.contains(told), "{told}: {said}");
    }
    site.write("strongroom.toml", &(plain + &role(MACHINE, "reader", &scope)));
    for _ in 0..2 {
        let port = site.start();
        let mut machine = Client::of(site.connect(port, None).await.unwrap(), &site.bearers(MACHINE));
        let read = pb::GetSubscriptionRequest { name: name.clone() };
        let read = machine.resources.get_subscription(read).await.unwrap().into_inner();
        assert_eq!((read.name.as_str(), read.tenant_id.as_str()), (name.as_str(), TENANT));
        let groups = pb::ListResourceGroupsRequest { parent: name.clone() };
        let groups = machine.resources.list_resource_groups(groups).await.unwrap().into_inner();
        assert_eq!(groups.resource_groups[0].name, format!("{name}/resourceGroups/default"));
        // Given once, however often it is started.
        let given = pb::ListControlRoleAssignmentsRequest { parent: name.clone(), ..Default::default() };
        let given = machine.authorization.list_control_role_assignments(given).await.unwrap().into_inner();
        assert_eq!(given.role_assignments.len(), 1);
        // Administering the HSM is no role of the control plane.
        let mut admin = Client::of(site.connect(port, None).await.unwrap(), &site.bearers(ADMIN));
        let refused =
            admin.resources.get_subscription(pb::GetSubscriptionRequest { name: name.clone() }).await;
        assert_eq!(reason(&refused.unwrap_err()), "ACTION_NOT_GRANTED");
        site.stop();
    }
}

#[tokio::test]
async fn revoked_certificate_is_rejected_on_open_connections_too() {
    let mut site = Site::new();
    let (lost, kept) = (site.clients.issue("billing", &[]), site.clients.issue("billing", &[]));
    site.write("clients.crl", &site.clients.revoke(&[]));
    let lists = format!("[identity.revocation]\ncrl_files = [{:?}]\n", site.path("clients.crl"));
    site.write("strongroom.toml", &format!("{}\n{lists}", site.configuration()));
    let port = site.start();
    let list = async |client: &mut Client| {
        let parent = "hsms/payments".to_owned();
        client.keys.list_keys(pb::ListKeysRequest { parent, ..Default::default() }).await.map(drop)
    };
    let mut by_lost = Client::new(site.connect(port, Some(&lost)).await.unwrap(), None);
    let mut by_kept = Client::new(site.connect(port, Some(&kept)).await.unwrap(), None);
    for client in [&mut by_lost, &mut by_kept] {
        assert_eq!(reason(&list(client).await.unwrap_err()), "ACTION_NOT_GRANTED");
    }
    site.write("clients.crl", &site.clients.revoke(&[&lost]));
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    let refused = list(&mut by_lost).await.unwrap_err();
    assert_eq!(
        (reason(&refused).as_str(), refused.message()),
        ("UNAUTHENTICATED", "the client certificate is revoked")
    );
    assert_eq!(reason(&list(&mut by_kept).await.unwrap_err()), "ACTION_NOT_GRANTED");
    // With TLS 1.3 the client hears of it with its first call.
    if let Ok(channel) = site.connect(port, Some(&lost)).await {
        let refused = list(&mut Client::new(channel, None)).await.unwrap_err();
        assert_ne!(reason(&refused), "ACTION_NOT_GRANTED", "{refused:?}");
    }
    let mut again = Client::new(site.connect(port, Some(&kept)).await.unwrap(), None);
    assert_eq!(reason(&list(&mut again).await.unwrap_err()), "ACTION_NOT_GRANTED");
    site.stop();
}

#[tokio::test]
async fn rejects_different_token_with_same_label() {
    let mut site = Site::new();
    let port = site.start();
    let mut admin = Client::new(site.connect(port, None).await.unwrap(), Some(&site.token(ADMIN)));
    admit(&mut admin, ADMIN).await;
    let made = make(&mut admin).await.unwrap();
    site.stop();

    // The device was exchanged: another token, with the label and the PIN of the first.
    std::fs::rename(site.path("tokens"), site.path("tokens-of-before")).unwrap();
    std::fs::create_dir(site.path("tokens")).unwrap();
    site.initialize("vault-7", PIN);
    let output = site.fails();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("payments") && said.contains("serial") && said.contains("vault-7"), "{said}");

    // The right one emptied, by whom ever: it is not taken for a new one.
    std::fs::remove_dir_all(site.path("tokens")).unwrap();
    std::fs::create_dir(site.path("tokens")).unwrap();
    assert!(String::from_utf8_lossy(&site.fails().stderr).contains("there is no token"));

    std::fs::remove_dir_all(site.path("tokens")).unwrap();
    std::fs::rename(site.path("tokens-of-before"), site.path("tokens")).unwrap();
    let port = site.start();
    let mut admin = Client::new(site.connect(port, None).await.unwrap(), Some(&site.token(ADMIN)));
    sign(&mut admin, &made).await.unwrap();
}

#[test]
fn wrong_pin_is_tried_once_and_not_printed() {
    let site = Site::new();
    let wrong = "2604-wrong-horse";
    let counter = site.path("asked");
    let script = format!("echo x >> {}; echo {wrong}", counter.display());
    let command = format!("pin = {{ command = [\"sh\", \"-c\", \"{script}\"] }}");
    let configuration = site.configuration();
    let file = configuration.lines().find(|line| line.starts_with("pin = ")).unwrap();
    site.write("strongroom.toml", &configuration.replace(file, &command));
    let output = site.fails();
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
    assert!(said.contains("CKR_PIN_INCORRECT") && said.contains("not tried again"), "{said}");
    assert!(said.contains("payments") && !said.contains(wrong) && !said.contains(PIN), "{said}");
    assert_eq!(said.matches("CKR_PIN_INCORRECT").count(), 1, "{said}");
    assert_eq!(std::fs::read_to_string(counter).unwrap(), "x\n");

    for (text, wanted) in [("", "the PIN is empty"), ("\n", "the PIN is empty")] {
        site.write("pin", text);
        site.write("strongroom.toml", &configuration);
        let output = site.fails();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(wanted), "{said}");
    }
}

#[test]
fn config_errors_name_file_and_setting() {
    let site = Site::new();
    let good = site.configuration();
    let check = |text: &str| {
        site.write("strongroom.toml", text);
        site.command(&["config", "check", "--config", "strongroom.toml"]).output().unwrap()
    };
    let output = check(&good);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let without = |start: &str| -> String {
        good.lines().filter(|line| !line.starts_with(start)).map(|line| format!("{line}\n")).collect()
    };
    for (text, said) in [
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
        assert!(!output.status.success(), "{said:?}");
        for word in said {
            assert!(stderr.contains(word), "{word}: {stderr}");
        }
        assert!(!stderr.contains("panicked"), "{stderr}");
        // The server says the same.
        assert!(String::from_utf8_lossy(&site.fails().stderr).contains(said[0]), "{said:?}");
    }
    for (file, content, said) in [
        ("server.pem", "no certificate", "server.c"),
        ("server-key.pem", "no key", "server.key_file"),
        ("jwks.json", "no keys", "jwks.json"),
        ("client-ca.pem", "no authority", "server.client_ca_file"),
    ] {
        let before = std::fs::read_to_string(site.path(file)).unwrap();
        site.write("strongroom.toml", &good);
        site.write(file, content);
        let output = site.fails();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains(said), "{file}: {stderr}");
        site.write(file, &before);
    }
}
