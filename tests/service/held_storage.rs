//! A storage of blobs that answers no request until a test states the answer: jobs run as long as a test wants.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

use strongroom::api::grpc::pb;

use crate::support::Server;

type Answer = Arc<(Mutex<Option<&'static str>>, Condvar)>;

/// The storage.
pub(crate) struct HeldStorage {
    address: SocketAddr,
    answer: Answer,
}

impl HeldStorage {
    /// Starts the storage.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, answer) = (listener.local_addr().unwrap(), Answer::default());
        let answers = Arc::clone(&answer);
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let answer = Arc::clone(&answers);
                // A client that has gone, such as a server that was killed, is no failure.
                std::thread::spawn(move || serve(connection.unwrap(), &answer).unwrap_or_default());
            }
        });
        Self { address, answer }
    }

    /// Starts a server that may use the storage.
    pub(crate) fn server() -> Server {
        Server::start_with(&[], &[("STRONGROOM_BACKUP__HOSTS", "[\"127.0.0.1\"]")])
    }

    /// Answers the waiting requests, and all later ones, with this status line.
    pub(crate) fn answer(&self, status: &'static str) {
        let (answer, stated) = &*self.answer;
        *answer.lock().unwrap() = Some(status);
        stated.notify_all();
    }

    /// The URI of its container.
    pub(crate) fn uri(&self) -> String {
        format!("http://{}/devstoreaccount1/backups", self.address)
    }

    /// The storage in a request.
    pub(crate) fn storage(&self) -> Option<pb::BackupStorage> {
        Some(pb::BackupStorage { uri: self.uri(), token: SIGNATURE.to_owned(), ..Default::default() })
    }
}

/// A shared access signature, which the storage does not verify.
pub(crate) const SIGNATURE: &str = "se=2099-01-01T00:00:00Z&sig=c2VjcmV0";

fn serve(mut connection: TcpStream, (answer, stated): &(Mutex<Option<&'static str>>, Condvar)) -> Option<()> {
    let mut request = BufReader::new(connection.try_clone().ok()?);
    let (mut line, mut length) = (String::new(), 0);
    while request.read_line(&mut line).ok()? > 2 {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        line.clear();
    }
    request.read_exact(&mut vec![0; length]).ok()?;
    let status = stated.wait_while(answer.lock().unwrap(), |answer| answer.is_none()).unwrap().unwrap();
    let headers = "content-length: 0\r\netag: \"1\"\r\nlast-modified: Sat, 28 Nov 2026 20:00:00 GMT";
    write!(connection, "HTTP/1.1 {status}\r\nconnection: close\r\n{headers}\r\n\r\n").ok()
}
