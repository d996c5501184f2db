//! Tests the notifications to a service manager over `NOTIFY_SOCKET`, and the published address of wildcard listeners.

use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use crate::support::{Server, strongroom};

/// Receives the next notification.
fn next(socket: &UnixDatagram) -> String {
    let mut buffer = [0; 256];
    let length = socket.recv(&mut buffer).expect("a notification arrives in time");
    String::from_utf8(buffer[..length].to_vec()).unwrap().trim_end().to_owned()
}

#[test]
fn notifies_service_manager_of_ready_watchdog_and_stopping() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let environment = [("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "300000")];
    let mut server = Server::start_with(&[], &environment);
    assert_eq!(next(&socket), "READY=1");

    let started = Instant::now();
    for _ in 0..4 {
        assert_eq!(next(&socket), "WATCHDOG=1");
    }
    // One is sent immediately, the others at a third of the watchdog interval.
    assert!(started.elapsed() >= Duration::from_millis(200), "{:?}", started.elapsed());
    assert!(server.stop().success());
    let last = std::iter::repeat_with(|| next(&socket)).find(|message| message != "WATCHDOG=1");
    assert_eq!(last.as_deref(), Some("STOPPING=1"));
}

#[test]
fn ignores_watchdog_of_another_process() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let environment =
        [("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "1000"), ("WATCHDOG_PID", "1")];
    let mut server = Server::start_with(&[], &environment);
    assert_eq!(next(&socket), "READY=1");
    assert!(server.stop().success());
    assert_eq!(next(&socket), "STOPPING=1");
}

#[test]
fn wildcard_listener_publishes_loopback_endpoint() {
    for (listen, endpoint) in [("0.0.0.0:0", "https://127.0.0.1:"), ("[::]:0", "https://[::1]:")] {
        let directory = tempfile::tempdir().unwrap();
        let mut child = strongroom()
            .args(["serve", "--dev", "--listen", listen, "--data-dir"])
            .arg(directory.path())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let (started, file) = (Instant::now(), directory.path().join("connection.json"));
        while !directory.path().join("dev.env").exists() {
            assert!(started.elapsed() < Duration::from_secs(60) && child.try_wait().unwrap().is_none());
            std::thread::sleep(Duration::from_millis(20));
        }
        let connection: serde_json::Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        assert!(connection["endpoint"].as_str().unwrap().starts_with(endpoint), "{connection}");
        let healthy =
            strongroom().arg("--data-dir").arg(directory.path()).arg("healthcheck").output().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(healthy.status.success(), "{healthy:?}");
    }
}
