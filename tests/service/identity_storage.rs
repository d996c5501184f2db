//! A storage of blobs that accepts the access tokens of a managed identity, and the endpoint that issues them.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

/// The access token.
pub(crate) const TOKEN: &str = "eyJ0eXAi.c3RvcmFnZSBhY2Nlc3M.c2VjcmV0";

/// The client id of the user-assigned identity.
pub(crate) const CLIENT_ID: &str = "00000000-0000-4000-8000-00000000c11e";

/// The path of the Azure Instance Metadata Service.
const PATH: &str = "/metadata/identity/oauth2/token";

/// A received request.
struct Request {
    method: String,
    path: String,
    query: String,
    /// By lower-case name.
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

/// Status line and body.
type Answer = (&'static str, Vec<u8>);

/// What the servers do, and what they received.
#[derive(Default)]
struct State {
    /// The answer of the endpoint instead of an access token.
    refuses_tokens: Option<Answer>,
    /// The answer of the storage instead of access.
    refuses_access: Option<Answer>,
    /// Whether the endpoint does not exist.
    is_closed: bool,
    /// How many access tokens were issued.
    issued: usize,
    /// How many requests the storage received.
    accesses: usize,
    blocks: BTreeMap<String, Vec<u8>>,
    /// By path.
    blobs: BTreeMap<String, Vec<u8>>,
}

/// The storage with its endpoint.
pub(crate) struct IdentityStorage {
    storage: SocketAddr,
    endpoint: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl IdentityStorage {
    /// Starts both.
    pub(crate) fn start() -> Self {
        let state = Arc::default();
        let storage = serve(
            &state,
            |_| false,
            |request, state| {
                state.accesses += 1;
                state.refuses_access.clone().unwrap_or_else(|| access(request, state))
            },
        );
        let endpoint = serve(
            &state,
            |state| state.is_closed,
            |request, state| state.refuses_tokens.clone().unwrap_or_else(|| issue(request, state)),
        );
        Self { storage, endpoint, state }
    }

    /// The URI of its container.
    pub(crate) fn uri(&self) -> String {
        format!("http://{}/devstoreaccount1/backups", self.storage)
    }

    /// The URL of the endpoint.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}{PATH}", self.endpoint)
    }

    /// How many access tokens were issued.
    pub(crate) fn issued(&self) -> usize {
        self.state.lock().unwrap().issued
    }

    /// How many requests the storage received.
    pub(crate) fn accesses(&self) -> usize {
        self.state.lock().unwrap().accesses
    }

    /// The paths of the blobs.
    pub(crate) fn blobs(&self) -> Vec<String> {
        self.state.lock().unwrap().blobs.keys().cloned().collect()
    }

    /// Has the storage refuse access.
    pub(crate) fn refuse_access(&self, status: &'static str, body: &str) {
        self.state.lock().unwrap().refuses_access = Some((status, body.into()));
    }

    /// Has the endpoint refuse access tokens.
    pub(crate) fn refuse_tokens(&self, status: &'static str, body: &str) {
        self.state.lock().unwrap().refuses_tokens = Some((status, body.into()));
    }

    /// Closes the port of the endpoint.
    pub(crate) fn close_endpoint(&self) {
        self.state.lock().unwrap().is_closed = true;
        // The listener sees the change with the next connection, and is dropped before this one ends.
        let mut connection = TcpStream::connect(self.endpoint).unwrap();
        let _ = connection.read(&mut [0]);
    }
}

fn serve(
    state: &Arc<Mutex<State>>,
    is_closed: fn(&State) -> bool,
    answer: fn(&Request, &mut State) -> Answer,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, state) = (listener.local_addr().unwrap(), Arc::clone(state));
    std::thread::spawn(move || {
        while let Ok((connection, _)) = listener.accept() {
            if is_closed(&state.lock().unwrap()) {
                drop(listener);
                return;
            }
            let state = Arc::clone(&state);
            std::thread::spawn(move || exchange(connection, &state, answer).unwrap_or_default());
        }
    });
    address
}

fn exchange(
    mut connection: TcpStream,
    state: &Mutex<State>,
    answer: fn(&Request, &mut State) -> Answer,
) -> Option<()> {
    let request = read(&connection)?;
    let (status, body) = answer(&request, &mut state.lock().unwrap());
    let length = body.len();
    let headers = "etag: \"1\"\r\nlast-modified: Sat, 28 Nov 2026 20:00:00 GMT\r\nconnection: close";
    write!(connection, "HTTP/1.1 {status}\r\n{headers}\r\ncontent-length: {length}\r\n\r\n").ok()?;
    if request.method == "HEAD" { Some(()) } else { connection.write_all(&body).ok() }
}

fn read(connection: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(connection);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
        match line.trim_end() {
            "" => break,
            text => lines.push(text.to_owned()),
        }
    }
    let mut first = lines.first()?.split(' ').map(str::to_owned);
    let (method, target) = (first.next()?, first.next()?);
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let header = |line: &String| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    };
    let headers: BTreeMap<_, _> = lines.iter().skip(1).filter_map(header).collect();
    let length = headers.get("content-length").map_or(Some(0), |length| length.parse().ok())?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { method, path: path.to_owned(), query: query.to_owned(), headers, body })
}

/// Issues an access token if the request is as documented.
/// <https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token#get-a-token-using-http>
fn issue(request: &Request, state: &mut State) -> Answer {
    let header = |name: &str| request.headers.get(name).map(String::as_str);
    let mut query: Vec<_> = request.query.split('&').collect();
    query.sort_unstable();
    let client_id = format!("client_id={CLIENT_ID}");
    let expected = ["api-version=2019-08-01", &client_id, "resource=https%3A%2F%2Fstorage.azure.com"];
    let valid = (request.method.as_str(), request.path.as_str()) == ("GET", PATH)
        && header("metadata") == Some("true")
        // The service refuses requests that were forwarded.
        && header("x-forwarded-for").is_none()
        && query == expected;
    if !valid {
        let body = r#"{"error":"invalid_request","error_description":"Bad request"}"#;
        return ("400 Bad Request", body.into());
    }
    state.issued += 1;
    let expires = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 86_399;
    let body = serde_json::json!({
        "access_token": TOKEN,
        "client_id": CLIENT_ID,
        "expires_in": "86399",
        "expires_on": expires.to_string(),
        "ext_expires_in": "86399",
        "not_before": (expires - 86_700).to_string(),
        "resource": "https://storage.azure.com",
        "token_type": "Bearer",
    });
    ("200 OK", body.to_string().into())
}

/// Writes and reads block blobs, with an access token, and a version that supports it.
/// <https://learn.microsoft.com/rest/api/storageservices/authorize-with-azure-active-directory>
fn access(request: &Request, state: &mut State) -> Answer {
    let header = |name: &str| request.headers.get(name).map_or("", String::as_str);
    if header("authorization") != format!("Bearer {TOKEN}") || header("x-ms-version") < "2017-11-09" {
        return ("401 Unauthorized", b"<Error><Code>InvalidAuthenticationInfo</Code></Error>".into());
    }
    let parameter = |name: &str| {
        let find = |pair: &str| pair.strip_prefix(name)?.strip_prefix('=').map(str::to_owned);
        request.query.split('&').find_map(find).unwrap_or_default().replace("%3D", "=")
    };
    let path = request.path.clone();
    match (request.method.as_str(), parameter("comp").as_str()) {
        ("PUT", "block") => {
            state.blocks.insert(path + "?" + &parameter("blockid"), request.body.clone());
            ("201 Created", Vec::new())
        }
        ("PUT", "blocklist") => {
            let list = String::from_utf8(request.body.clone()).unwrap();
            let ids = list.split("<Uncommitted>").skip(1);
            let ids = ids.map(|rest| rest.split('<').next().unwrap());
            let blocks: Option<Vec<_>> = ids.map(|id| state.blocks.remove(&format!("{path}?{id}"))).collect();
            let Some(blocks) = blocks else {
                return ("400 Bad Request", b"<Error><Code>InvalidBlockList</Code></Error>".into());
            };
            state.blobs.insert(path, blocks.concat());
            ("201 Created", Vec::new())
        }
        ("GET" | "HEAD", "") => match state.blobs.get(&path) {
            Some(blob) => ("200 OK", blob.clone()),
            None => ("404 Not Found", b"<Error><Code>BlobNotFound</Code></Error>".into()),
        },
        _ => ("400 Bad Request", b"<Error><Code>UnsupportedHttpVerb</Code></Error>".into()),
    }
}
