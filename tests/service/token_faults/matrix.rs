//! Every fault with every operation over every surface: what the caller sees, and what is left.
//!
//! The table is compared with `tests/golden/fault-matrix.txt`. `ok` means that the fault struck no call of the operation, `retried`
//! that it struck one and the caller saw nothing of it. Whatever the caller saw, the operation succeeds when the fault is over,
//! without a restart, and the tokens have the objects of the recorded key versions and no others.

use std::fmt::Write as _;

use super::operation::{Inputs, Operation, Seen, Surface, prepare_keys};
use super::rig::{Isolation, Rig, until};
use crate::hsms::Container;
use crate::support::Client;

/// A fault: its name in the table, and what it does.
struct Fault {
    name: &'static str,
    effect: Effect,
}

enum Effect {
    /// These settings, on the function that does the work of the operation.
    Call(&'static str),
    /// These settings, on the function that begins the work of the operation.
    Begin(&'static str),
    /// The token of the HSM is absent.
    Absent,
    /// The token loses its login in the call, and its PIN is locked.
    Locked,
}

const FAULTS: [Fault; 22] = [
    Fault {
        name: "CKR_SESSION_HANDLE_INVALID once",
        effect: Effect::Call("return = \"CKR_SESSION_HANDLE_INVALID\""),
    },
    Fault { name: "sessions lost", effect: Effect::Begin("lose = \"sessions\"") },
    Fault {
        name: "CKR_USER_NOT_LOGGED_IN once",
        effect: Effect::Call("return = \"CKR_USER_NOT_LOGGED_IN\""),
    },
    Fault { name: "login lost", effect: Effect::Begin("lose = \"login\"") },
    Fault {
        name: "CKR_KEY_HANDLE_INVALID once",
        effect: Effect::Call("return = \"CKR_KEY_HANDLE_INVALID\""),
    },
    Fault { name: "CKR_OPERATION_ACTIVE once", effect: Effect::Call("return = \"CKR_OPERATION_ACTIVE\"") },
    Fault { name: "CKR_DEVICE_ERROR once", effect: Effect::Call("return = \"CKR_DEVICE_ERROR\"") },
    Fault {
        name: "CKR_DEVICE_ERROR once, after the call",
        effect: Effect::Call("return = \"CKR_DEVICE_ERROR\"\nafter = true"),
    },
    Fault { name: "CKR_GENERAL_ERROR once", effect: Effect::Call("return = \"CKR_GENERAL_ERROR\"") },
    Fault { name: "CKR_FUNCTION_FAILED once", effect: Effect::Call("return = \"CKR_FUNCTION_FAILED\"") },
    Fault { name: "CKR_HOST_MEMORY always", effect: Effect::Call("return = \"CKR_HOST_MEMORY\"\ntimes = 0") },
    Fault { name: "code of a vendor once", effect: Effect::Call("return = 0x80000042") },
    Fault { name: "busy once", effect: Effect::Call("return = \"CKR_TOKEN_RESOURCE_EXCEEDED\"") },
    Fault { name: "CKR_DEVICE_REMOVED once", effect: Effect::Call("return = \"CKR_DEVICE_REMOVED\"") },
    Fault { name: "CKR_TOKEN_NOT_PRESENT once", effect: Effect::Call("return = \"CKR_TOKEN_NOT_PRESENT\"") },
    Fault {
        name: "CKR_CRYPTOKI_NOT_INITIALIZED once",
        effect: Effect::Call("return = \"CKR_CRYPTOKI_NOT_INITIALIZED\""),
    },
    Fault { name: "token absent", effect: Effect::Absent },
    Fault { name: "call hangs after it took effect", effect: Effect::Call("hang = true\nafter = true") },
    Fault { name: "process crashes once", effect: Effect::Call("crash = \"SEGV\"") },
    Fault {
        name: "process crashes once, after the call",
        effect: Effect::Call("crash = \"KILL\"\nafter = true"),
    },
    Fault { name: "process crashes always", effect: Effect::Call("crash = \"ABRT\"\ntimes = 0") },
    Fault { name: "login lost, PIN locked", effect: Effect::Locked },
];

/// One surface of one server.
struct Bench {
    rig: Rig,
    surface: Surface,
    inputs: Inputs,
    /// Removes the HSMs that are created, of which there can be a few only.
    owner: Client,
    /// Makes the names of objects unique.
    cells: usize,
}

impl Fault {
    /// The content of the control file.
    fn rules(&self, operation: Operation, rig: &Rig) -> String {
        let filter = operation.filter();
        let (function, on) = match self.effect {
            Effect::Begin(_) | Effect::Locked => operation.begin(),
            _ => operation.function(),
        };
        match self.effect {
            // Once means once, although a process that ended is replaced.
            Effect::Call(settings) | Effect::Begin(settings) => {
                let counter = rig.path("counter");
                let counter = counter.display();
                format!(
                    "[[fault]]\nfunction = \"{function}\"\non = {on}\ncounter = \"{counter}\"\n{filter}{settings}\n"
                )
            }
            Effect::Absent => "[[fault]]\ntoken = \"absent\"\nlabel = \"local\"\n".to_owned(),
            Effect::Locked => format!(
                "[[fault]]\nfunction = \"{function}\"\non = {on}\n{filter}lose = \"login\"\n\
                 [[fault]]\nfunction = \"C_Login\"\n{filter}return = \"CKR_PIN_LOCKED\"\ntimes = 0\n"
            ),
        }
    }
}

impl Bench {
    async fn new(over_rest: bool) -> Self {
        let rig = Rig::start(Isolation::Process);
        let inputs = prepare_keys(&rig).await;
        let surface = if over_rest { Surface::rest(&rig).await } else { Surface::grpc(&rig).await };
        let owner = rig.server.client("owner").await;
        Self { rig, surface, inputs, owner, cells: 0 }
    }

    /// The cells of one surface: for each fault, those of all operations.
    async fn run(mut self) -> Vec<Vec<String>> {
        let mut rows = Vec::new();
        for fault in &FAULTS {
            let mut row = Vec::new();
            for operation in Operation::ALL {
                row.push(match (operation, &self.surface) {
                    // REST has no batches.
                    (Operation::BatchSign, Surface::Rest { .. }) => "-".to_owned(),
                    _ => self.cell(fault, operation).await,
                });
            }
            rows.push(row);
        }
        assert!(self.rig.server.stop().success(), "{}", self.rig.server.log());
        rows
    }

    async fn cell(&mut self, fault: &Fault, operation: Operation) -> String {
        self.cells += 1;
        let name = format!("object-{}", self.cells);
        let what = format!("{} with {operation:?}", fault.name);
        self.surface.prepare(operation, &name).await;
        let before = self.rig.objects();
        let _ = std::fs::remove_file(self.rig.path("counter"));
        let _ = std::fs::remove_file(self.rig.path("faults.log"));
        self.rig.order(&fault.rules(operation, &self.rig));
        let seen = self.surface.run(operation, &name, &self.inputs).await;
        let struck = operation != Operation::GetKey && !self.rig.log_lines("").is_empty();
        self.rig.calm();
        let left = self.left(operation, &name, &seen).await;
        if matches!(fault.effect, Effect::Locked) {
            self.rig.renew();
        }
        self.assert_recovers(operation, &name, &seen, &what).await;
        let orphans = self.orphans(operation, &name, before, &what).await;
        let left = format!("{left}{orphans}");
        match seen {
            Ok(()) if struck => format!("retried{left}"),
            Ok(()) => format!("ok{left}"),
            Err(error) => format!("{error}{left}"),
        }
    }

    /// Whether a key exists whose creation failed, or does not although its creation succeeded.
    async fn left(&mut self, operation: Operation, name: &str, seen: &Seen) -> &'static str {
        if !matches!(operation, Operation::CreateKey | Operation::CreateOctKey | Operation::ImportKey) {
            return "";
        }
        match (self.surface.versions(name).await, seen) {
            (Some(1), Ok(())) | (None, Err(_)) => "",
            (None, Ok(())) => ", lost",
            (Some(_), _) => ", exists",
        }
    }

    /// Waits until the operation succeeds, or another one if it has.
    async fn assert_recovers(&mut self, operation: Operation, name: &str, seen: &Seen, what: &str) {
        let mut last = seen.clone();
        let created = seen.is_ok() && (operation.adds() != 0 || operation == Operation::CreateHsm);
        let again = if created { Operation::Sign } else { operation };
        let (surface, inputs) = (&mut self.surface, &self.inputs);
        until(&format!("no recovery: {what}: {seen:?}\n{}", self.rig.server.log()), async || {
            last = surface.run(again, name, inputs).await;
            let is_purged =
                again == Operation::PurgeKey && last.as_ref().is_err_and(|error| error.contains("NotFound"));
            last.is_ok() || is_purged
        })
        .await;
    }

    /// Asserts that the object exists once; tells whether it does in the token.
    async fn orphans(&mut self, operation: Operation, name: &str, before: usize, what: &str) -> &'static str {
        if operation == Operation::CreateHsm {
            let container = Container::of(&self.rig.server);
            crate::hsms::delete(&mut self.owner, container.hsm(name)).await.unwrap();
            crate::hsms::purge(&mut self.owner, container.deleted(name)).await.unwrap();
        } else if operation.adds() > 0 {
            assert_eq!(self.surface.versions(name).await, Some(1), "{what}");
        }
        let expected = before.checked_add_signed(operation.adds()).unwrap();
        if self.rig.has_objects(expected).await { "" } else { ", WRONG OBJECTS" }
    }
}

#[tokio::test]
async fn every_fault_with_every_operation_is_answered_as_in_the_golden_file() {
    let (grpc, rest) = (Bench::new(false).await, Bench::new(true).await);
    let (grpc, rest) = tokio::join!(grpc.run(), rest.run());
    let mut table = String::from("What callers see of faults of a token, over gRPC and REST.\n");
    for (fault, (grpc, rest)) in FAULTS.iter().zip(grpc.into_iter().zip(rest)) {
        let _ = writeln!(table, "\n{}", fault.name);
        for (operation, (grpc, rest)) in Operation::ALL.iter().zip(grpc.into_iter().zip(rest)) {
            let _ = writeln!(table, "  {:<13} {grpc:<52} {rest}", format!("{operation:?}"));
        }
    }
    assert_golden("fault-matrix.txt", &table);
}

/// Asserts that the table equals `tests/golden/{name}`. Otherwise shows the difference and writes the new table to a file.
fn assert_golden(name: &str, table: &str) {
    let path = format!("tests/golden/{name}");
    if std::fs::read_to_string(&path).unwrap_or_default() == table {
        return;
    }
    let new = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&new, table).unwrap();
    let difference =
        std::process::Command::new("diff").args(["-u", "--new-file", &path]).arg(&new).output().unwrap();
    let difference = String::from_utf8_lossy(&difference.stdout);
    panic!("{path} differs:\n{difference}\nif this is intended: cp {} {path}", new.display());
}
