//! A proxy between an instance and the server of PostgreSQL, on a Unix socket. It closes connections, forwards nothing for a while, or
//! closes a connection at a certain statement.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;

use super::kit::Database;

/// The file of a server's socket, in its directory.
const SOCKET: &str = ".s.PGSQL.5432";

/// The code of a request for TLS, which precedes the first message of a session.
const TLS_REQUEST: &[u8] = &80_877_103_u32.to_be_bytes();

/// A statement, by its beginning, and by another one that ran before it in its transaction.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    begins: &'static str,
    after: &'static str,
}

impl At {
    /// The end of any transaction.
    pub(super) const COMMIT: Self = Self { begins: "COMMIT", after: "" };
    /// The end of a transaction that changes a version of a key.
    pub(super) const COMMIT_OF_VERSION: Self = Self { begins: "COMMIT", after: "-- update_version" };
    /// The statement that writes the records of calls without changes.
    pub(super) const RECORDS: Self = Self { begins: "-- insert_audit_records_unless_changed", after: "" };
}

/// What the proxy does with connections.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mode {
    /// Forwards.
    Open,
    /// Keeps what it receives until it is open again. It accepts connections.
    Silent,
    /// Closes the connections, and each new one.
    Closed,
}

/// When a connection is closed at a statement.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cut {
    /// The server does not receive the statement.
    NotForwarded,
    /// At once after the server was sent the statement.
    Forwarded,
    /// When the server has run it. Its answer is lost.
    Answered,
}

struct State {
    mode: watch::Sender<Mode>,
    /// Counts how often all connections were closed.
    closed: watch::Sender<u64>,
    /// The next cut.
    cut: Mutex<Option<(Cut, At)>>,
    cuts: AtomicU64,
}

/// A proxy, which runs as long as the runtime of the test.
pub(super) struct Proxy {
    directory: tempfile::TempDir,
    state: Arc<State>,
}

impl Proxy {
    pub(super) fn start(database: &Database) -> Self {
        let directory = tempfile::Builder::new().prefix("strongroom-proxy.").tempdir_in("/tmp").unwrap();
        let listener = UnixListener::bind(directory.path().join(SOCKET)).unwrap();
        let state = Arc::new(State {
            mode: watch::channel(Mode::Open).0,
            closed: watch::channel(0).0,
            cut: Mutex::new(None),
            cuts: AtomicU64::new(0),
        });
        tokio::spawn(accept(listener, database.socket_directory().join(SOCKET), Arc::clone(&state)));
        Self { directory, state }
    }

    /// The URL of the database for the instance that uses the proxy.
    pub(super) fn url(&self) -> String {
        format!("postgres://strongroom@localhost/postgres?host={}", self.directory.path().display())
    }

    pub(super) fn set(&self, mode: Mode) {
        self.state.mode.send_replace(mode);
        if mode == Mode::Closed {
            self.close_all();
        }
    }

    /// Closes the connections. New ones are accepted.
    pub(super) fn close_all(&self) {
        self.state.closed.send_modify(|count| *count += 1);
    }

    /// Closes the connection that runs the next such statement.
    pub(super) fn cut_next(&self, cut: Cut, at: At) {
        *self.state.cut.lock().unwrap() = Some((cut, at));
    }

    /// The number of connections that were closed at a statement.
    pub(super) fn cuts(&self) -> u64 {
        self.state.cuts.load(Ordering::Relaxed)
    }
}

async fn accept(listener: UnixListener, server: PathBuf, state: Arc<State>) {
    while let Ok((client, _)) = listener.accept().await {
        if *state.mode.borrow() == Mode::Closed {
            continue;
        }
        tokio::spawn(serve(client, server.clone(), Arc::clone(&state)));
    }
}

/// Forwards until one side or the test closes the connection, and closes both sides then.
async fn serve(client: UnixStream, server: PathBuf, state: Arc<State>) {
    let mut closed = state.closed.subscribe();
    let Ok(server) = UnixStream::connect(server).await else { return };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let is_lost = AtomicBool::new(false);
    let (statements, transaction) = Default::default();
    let mut requests = Requests { state: &state, statements, transaction, is_lost: &is_lost };
    tokio::select! {
        _ = closed.changed() => {}
        _ = requests.forward(from_client, to_server) => {}
        _ = forward_answers(from_server, to_client, &state, &is_lost) => {}
    }
}

/// Waits while the proxy is silent.
async fn wait(state: &State) {
    let _ = state.mode.subscribe().wait_for(|mode| *mode != Mode::Silent).await;
}

async fn forward_answers(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    state: &State,
    is_lost: &AtomicBool,
) -> io::Result<()> {
    let mut bytes = vec![0; 16_384];
    loop {
        let count = from.read(&mut bytes).await?;
        wait(state).await;
        // The client sends a statement after it has received all of the answer to the one before.
        if count == 0 || is_lost.load(Ordering::Acquire) {
            return Ok(());
        }
        to.write_all(&bytes[..count]).await?;
    }
}

/// The messages of a client.
struct Requests<'a> {
    state: &'a State,
    /// The texts of the prepared statements, by their names.
    statements: HashMap<Vec<u8>, Vec<u8>>,
    /// The texts of the statements since the last BEGIN.
    transaction: String,
    /// Set if the next answer is lost.
    is_lost: &'a AtomicBool,
}

impl Requests<'_> {
    /// Forwards messages in the groups that the server answers.
    async fn forward(&mut self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> io::Result<()> {
        loop {
            let (first, is_tls_request) = first_message(&mut from).await?;
            wait(self.state).await;
            to.write_all(&first).await?;
            if !is_tls_request {
                break;
            }
        }
        let (mut group, mut cut) = (Vec::new(), None);
        loop {
            let kind = from.read_u8().await?;
            let body = read_body(&mut from).await?;
            cut = cut.or(self.cut_at(kind, &body));
            group.push(kind);
            group.extend(u32::try_from(body.len() + 4).unwrap().to_be_bytes());
            group.extend(&body);
            // Parse, Bind, Describe, Execute and Close are answered when Sync follows them.
            if matches!(kind, b'P' | b'B' | b'D' | b'E' | b'C') {
                continue;
            }
            wait(self.state).await;
            match cut.take() {
                None => to.write_all(&group).await?,
                Some(cut) => {
                    self.is_lost.store(true, Ordering::Release);
                    self.state.cuts.fetch_add(1, Ordering::Relaxed);
                    if cut == Cut::NotForwarded {
                        return Ok(());
                    }
                    to.write_all(&group).await?;
                    if cut == Cut::Forwarded {
                        return Ok(());
                    }
                }
            }
            group.clear();
        }
    }

    /// The cut that is due at a message: it runs the statement of the next cut.
    fn cut_at(&mut self, kind: u8, body: &[u8]) -> Option<Cut> {
        let mut parts = body.split(|byte| *byte == 0);
        let (first, second) = (parts.next()?, parts.next());
        let text = match kind {
            // Parse has the name of the statement and its text.
            b'P' => {
                self.statements.insert(first.to_vec(), second?.to_vec());
                return None;
            }
            // Bind has the name of the portal and that of the statement.
            b'B' => self.statements.get(second?)?.as_slice(),
            // A simple query has its text.
            b'Q' => first,
            _ => return None,
        };
        let text = String::from_utf8_lossy(text);
        if text.starts_with("BEGIN") {
            self.transaction.clear();
        }
        self.transaction.push_str(&text);
        let is_due = |at: &At| text.starts_with(at.begins) && self.transaction.contains(at.after);
        self.state.cut.lock().unwrap().take_if(|(_, at)| is_due(at)).map(|(cut, _)| cut)
    }
}

/// Reads the first message of a session, or the request for TLS before it, which have no kind. Returns whether it is that request.
async fn first_message(from: &mut OwnedReadHalf) -> io::Result<(Vec<u8>, bool)> {
    let body = read_body(from).await?;
    let is_tls_request = body == TLS_REQUEST;
    let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
    Ok(([&length[..], &body].concat(), is_tls_request))
}

/// Reads the length of a message, which counts itself, and the rest of the message.
async fn read_body(from: &mut OwnedReadHalf) -> io::Result<Vec<u8>> {
    let length = from.read_u32().await?;
    let mut body = vec![0; length.saturating_sub(4) as usize];
    from.read_exact(&mut body).await?;
    Ok(body)
}
