//! Tests connection limits, TLS versions, graceful shutdown and start.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use strongroom::api::grpc::pb;

use crate::support::{Client, Server, ec, rsa, strongroom};

fn address(server: &Server) -> SocketAddr {
    server.connection().endpoint.strip_prefix("https://").unwrap().parse().unwrap()
}

/// Opens a TLS connection of one version without sending a request.
pub(crate) fn connect(
    server: &Server,
    version: &'static rustls::SupportedProtocolVersion,
) -> rustls::StreamOwned<rustls::ClientConnection, TcpStream> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(server.connection().ca_file).unwrap()).unwrap();
    let config =
        rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let client = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let socket = TcpStream::connect(address(server)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut stream = rustls::StreamOwned::new(client, socket);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock).unwrap();
    }
    stream
}

/// Waits until the server closes the connection, and returns how long that takes.
fn time_until_closed(mut stream: impl std::io::Read) -> Duration {
    let started = Instant::now();
    let mut byte = [0];
    match stream.read(&mut byte) {
        Ok(0) => {}
        Ok(_) => panic!("the server sent data"),
        Err(error) => assert!(
            !matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut),
            "the connection is still open: {error}"
        ),
    }
    started.elapsed()
}

async fn list(client: &mut Client) {
    let request = pb::ListKeysRequest { parent: "hsms/local".to_owned(), ..Default::default() };
    client.keys.list_keys(request).await.unwrap();
}

#[tokio::test]
async fn silent_connections_do_not_block_others() {
    let server = Server::start_with(
        &[],
        &[("STRONGROOM_SERVER__HANDSHAKE_SECONDS", "1"), ("STRONGROOM_SERVER__MAX_CONNECTIONS", "8")],
    );
    let token = server.access_token("dev").await;
    let silent: Vec<TcpStream> = (0..3).map(|_| TcpStream::connect(address(&server)).unwrap()).collect();
    let shaken: Vec<_> = (0..3).map(|_| connect(&server, &rustls::version::TLS13)).collect();
    let started = Instant::now();
    list(&mut Client::new(server.channel().await, Some(&token))).await;
    assert!(started.elapsed() < Duration::from_millis(900), "{:?}", started.elapsed());

    // Silent connections occupy all slots: the slots are released after the handshake timeout.
    let more: Vec<TcpStream> = (0..12).map(|_| TcpStream::connect(address(&server)).unwrap()).collect();
    let mut client = Client::new(server.channel().await, Some(&token));
    list(&mut client).await;
    for stream in silent.into_iter().chain(more) {
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        assert!(time_until_closed(stream) < Duration::from_secs(10));
    }
    for stream in shaken {
        assert!(time_until_closed(stream) < Duration::from_secs(10));
    }
    // A connection with a request may be idle for longer.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    list(&mut client).await;
}

#[tokio::test]
async fn server_at_connection_limit_still_shuts_down() {
    let mut server = Server::start_with(&[], &[("STRONGROOM_SERVER__MAX_CONNECTIONS", "2")]);
    let token = server.access_token("dev").await;
    let mut clients = Vec::new();
    for _ in 0..2 {
        let mut client = Client::new(server.channel().await, Some(&token));
        list(&mut client).await;
        clients.push(client);
    }
    let waiting: Vec<TcpStream> = (0..4).map(|_| TcpStream::connect(address(&server)).unwrap()).collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let started = Instant::now();
    let status = tokio::task::spawn_blocking(move || server.stop()).await.unwrap();
    assert!(status.success());
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    drop(waiting);
}

#[tokio::test]
async fn serves_two_hundred_concurrent_connections() {
    let server = Server::start();
    let token = server.access_token("dev").await;
    let mut dev = server.client("dev").await;
    let made = dev.create(ec("invoices", "P-256")).await.unwrap();
    let mut clients = Vec::new();
    for _ in 0..200 {
        clients.push(Client::new(server.channel().await, Some(&token)));
    }
    let mut calls = tokio::task::JoinSet::new();
    for mut client in clients {
        let name = made.name.clone();
        calls.spawn(async move {
            let request = pb::SignRequest { name, algorithm: "ES256".to_owned(), digest: vec![7; 32] };
            let signature = client.crypto.sign(request).await.unwrap().into_inner().signature;
            (client, signature)
        });
    }
    let answered = calls.join_all().await;
    assert!(answered.len() == 200 && answered.iter().all(|(_, signature)| signature.len() == 64));
}

#[tokio::test]
async fn accepts_only_tls_1_2_and_1_3() {
    let server = Server::start();
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let mut stream = connect(&server, version);
        assert_eq!(stream.conn.protocol_version(), Some(version.version));
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("serving"), "{answer}");
    }
    for plain in
        ["GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\0\0\0\0"]
    {
        let mut stream = TcpStream::connect(address(&server)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.write_all(plain.as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        // At most an alert: a record of type 21.
        assert!(answer.is_empty() || answer[0] == 21, "{answer:?}");
    }
    let old = Command::new("openssl")
        .args([
            "s_client",
            "-tls1_1",
            "-cipher",
            "ALL:@SECLEVEL=0",
            "-connect",
            &address(&server).to_string(),
        ])
        .stdin(Stdio::null())
        .output();
    if let Ok(old) = old {
        let stdout = String::from_utf8_lossy(&old.stdout);
        assert!(!stdout.contains("New, TLSv1.1") && !old.status.success(), "{stdout}");
    }
}

/// Counts the object files in the HSMs' tokens.
fn objects(server: &Server) -> usize {
    crate::support::hsm_tokens(server)
        .into_iter()
        .flat_map(|token| std::fs::read_dir(token).unwrap())
        .filter(|file| {
            let path = file.as_ref().unwrap().path();
            path.extension().is_some_and(|extension| extension == "object") && !path.ends_with("token.object")
        })
        .count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_call_at_shutdown_completes_or_is_rejected() {
    for shutdown_seconds in ["60", "0"] {
        let mut server =
            Server::start_with(&[], &[("STRONGROOM_SERVER__SHUTDOWN_SECONDS", shutdown_seconds)]);
        let mut calls = Vec::new();
        for number in 0..3 {
            let mut dev = server.client("dev").await;
            calls.push(tokio::spawn(async move { dev.create(rsa(&format!("big-{number}"), 4096)).await }));
        }
        tokio::time::sleep(Duration::from_millis(150)).await;
        let started = Instant::now();
        let status = server.stop();
        println!("shutdown_seconds = {shutdown_seconds}: ended after {:?} with {status}", started.elapsed());
        if shutdown_seconds == "60" {
            assert!(status.success(), "{}", server.log());
        }
        let mut results = Vec::new();
        for call in calls {
            results.push(call.await.unwrap());
        }
        if shutdown_seconds == "60" {
            assert!(results.iter().all(Result::is_ok), "all calls in progress complete: {results:?}");
        }
        server.start_again();
        let mut dev = server.client("dev").await;
        let parent = "hsms/local".to_owned();
        let keys = dev.keys.list_keys(pb::ListKeysRequest { parent, ..Default::default() }).await.unwrap();
        let keys = keys.into_inner().keys;
        for made in results.into_iter().flatten() {
            assert!(keys.iter().any(|key| made.name.starts_with(&format!("{}/", key.name))), "{made:?}");
        }
        for key in &keys {
            let algorithm = "PS256".to_owned();
            let request = pb::SignRequest { name: key.name.clone(), algorithm, digest: vec![7; 32] };
            assert_eq!(dev.crypto.sign(request).await.unwrap().into_inner().signature.len(), 512);
        }
        if shutdown_seconds == "60" {
            assert_eq!(
                objects(&server),
                keys.len() + 5,
                "one object per key, the sentinel, the security domain, and the vault's sentinel and sealing key"
            );
        }
    }
}

#[tokio::test]
async fn rejects_data_directory_or_port_in_use() {
    let server = Server::start();
    let fails = |directory: &std::path::Path, listen: &str| {
        let output = strongroom()
            .args(["serve", "--dev", "--listen", listen, "--data-dir"])
            .arg(directory)
            .output()
            .unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let before = std::fs::read(server.directory().join("connection.json")).unwrap();
    let stderr = fails(&server.directory(), "127.0.0.1:0");
    assert!(stderr.contains("in use by another strongroom") && stderr.contains("--data-dir"), "{stderr}");
    assert_eq!(std::fs::read(server.directory().join("connection.json")).unwrap(), before);

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let directory = tempfile::tempdir().unwrap();
    let stderr = fails(&directory.path().join("data"), &address);
    assert!(stderr.contains(&address) && stderr.contains("--listen"), "{stderr}");
    assert!(!directory.path().join("data/strongroom.db").exists());

    // The first server is not affected.
    list(&mut server.client("dev").await).await;
}

#[tokio::test]
async fn second_start_is_fast() {
    let started = Instant::now();
    let mut server = Server::start();
    println!("first start: {:?}", started.elapsed());
    let mut dev = server.client("dev").await;
    for number in 0..20 {
        dev.create(ec(&format!("key-{number}"), "P-256")).await.unwrap();
    }
    assert!(server.stop().success());
    let started = Instant::now();
    server.start_again();
    let ready = started.elapsed();
    list(&mut server.client("dev").await).await;
    println!("second start: ready after {ready:?}, first answer after {:?}", started.elapsed());
    assert!(ready < Duration::from_secs(30), "{ready:?}");
}
