//! All metrics.

use super::{Kind, Metric};

/// Declares metrics: a constant for each name, and a table of all.
macro_rules! catalogue {
    ($(
        $constant:ident: $kind:ident = $name:literal [$($label:literal),*], $help:literal;
    )+) => {
        $(
            #[doc = $help]
            pub const $constant: &str = $name;
        )+

        /// All metrics.
        pub const ALL: &[Metric] =
            &[$(Metric { name: $name, kind: Kind::$kind, labels: &[$($label),*], help: $help }),+];
    };
}

catalogue! {
    BUILD_INFO: Gauge = "strongroom_build_info" ["version", "mode"],
        "1; the labels are the version of the program and its mode.";

    // Calls.
    CALLS: Counter = "strongroom_calls_total" ["surface", "operation", "result"],
        "Calls that ended, by result: `ok`, `CANCELLED` if the client disconnected before the reply, or the reason of the error.";
    CALL_SECONDS: Histogram = "strongroom_call_duration_seconds" ["surface", "operation"],
        "Time from the arrival of a call until its record is durable.";
    CALLS_IN_PROGRESS: Gauge = "strongroom_calls_in_progress" [],
        "Calls that have no result yet.";
    BATCH_ITEMS: Counter = "strongroom_batch_items_total" ["operation", "result"],
        "Items of batches, by result: `ok` or `failed`.";
    STEP_SECONDS: Histogram = "strongroom_call_step_duration_seconds" ["step"],
        "Time of a call in two steps: `execute`, which uses the token, and `commit`, which makes the record durable.";

    // Tokens.
    TOKEN_INFO: Gauge = "strongroom_token_info" ["token", "label", "manufacturer", "model"],
        "1; the labels are the serial number, the label, the manufacturer and the model of an open token.";
    TOKEN_UP: Gauge = "strongroom_token_up" ["token"],
        "1 if the last health check of the token succeeded, else 0.";
    TOKEN_WAITING: Gauge = "strongroom_token_calls_waiting" ["token", "queue"],
        "Calls that wait for a worker of the token, by queue: `fast` or `slow`.";
    TOKEN_CAPACITY: Gauge = "strongroom_token_queue_capacity" ["token", "queue"],
        "The number of calls that may wait; further ones are refused.";
    TOKEN_RUNNING: Gauge = "strongroom_token_calls_running" ["token"],
        "Calls that workers of the token have.";
    TOKEN_CALL_SECONDS: Histogram = "strongroom_token_call_duration_seconds" ["call"],
        "Time of a call to a token, with the time in its queue, by kind of call.";
    TOKEN_ERRORS: Counter = "strongroom_token_errors_total" ["token", "reason"],
        "Calls to the token that failed because of the token or its queue, by the reason of the error.";
    TOKEN_WORKERS: Gauge = "strongroom_token_workers" ["token", "state"],
        "Workers of the token, by state: `running`, `starting`, or `failed` if none is started until the PIN is renewed.";
    TOKEN_WORKER_STARTS: Counter = "strongroom_token_worker_starts_total" ["token"],
        "Worker processes of the token that were started.";
    TOKEN_WORKER_ENDS: Counter = "strongroom_token_worker_ends_total" ["token", "reason"],
        "Worker processes that ended or did not start, by reason: `exit`, `timeout`, `token_lost`, `start_failed` or `pin_rejected`.";
    TOKEN_LOGINS: Counter = "strongroom_token_logins_renewed_total" ["token"],
        "Logins that the service repeated because the token had ended the earlier one. Only for tokens without worker processes.";
    TOKEN_SESSIONS: Gauge = "strongroom_token_sessions" ["token"],
        "Sessions with the token of the process that answered the last health check: of the service itself, or of one worker process.";

    // The ledger: log and database.
    LEDGER_RECORDS: Counter = "strongroom_ledger_records_total" [],
        "Audit records that are durable.";
    LEDGER_GROUPS: Histogram = "strongroom_ledger_group_records" ["kind"],
        "Audit records per group, by kind: `append` to the log, or `transaction` of the database if the group has changes.";
    LEDGER_SECONDS: Histogram = "strongroom_ledger_write_duration_seconds" ["kind"],
        "Time to make a group durable, by kind.";
    LEDGER_FAILURES: Counter = "strongroom_ledger_failures_total" [],
        "Groups that could not be written to the log or the database.";
    LEDGER_WAITING: Gauge = "strongroom_ledger_calls_waiting" [],
        "Calls that wait for the next group.";
    LEDGER_FAILING: Gauge = "strongroom_ledger_failing" [],
        "1 while the log or the database cannot be written, else 0.";
    LEDGER_UNSAVED: Gauge = "strongroom_ledger_unsaved_records" [],
        "Audit records whose usage the database has not counted yet; they are read again from the log at the next start.";
    AUDIT_POSITION: Gauge = "strongroom_audit_position" [],
        "The sequence number of the last audit record.";
    AUDIT_SIGNED: Gauge = "strongroom_audit_signed_position" [],
        "The sequence number of the last audit record that is covered by a signature of this run.";

    // Instances that share a database.
    LEASE_HELD: Gauge = "strongroom_lease_held" [],
        "1 if this instance has the lease of the scheduled work, else 0. This and the next four are absent unless the database is shared.";
    CHANGE_LOG_POSITION: Gauge = "strongroom_change_log_position" [],
        "The number of the last entry of the log of changes that the state of this instance has.";
    CHANGE_LOG_APPLIED: Counter = "strongroom_change_log_applied_total" [],
        "Entries of the log of changes that other instances have written, and that this one has applied.";
    DECIDED_AGAIN: Counter = "strongroom_calls_decided_again_total" [],
        "Decisions of calls that were repeated, because another instance had changed the state by which they were made.";
    TAKEOVERS: Counter = "strongroom_instance_takeovers_total" [],
        "Times at which this instance has taken over what an instance that does not run had left.";

    // Time.
    CLOCK: Gauge = "strongroom_clock_timestamp_seconds" [],
        "What the clock of the service shows, in seconds since 1970. A virtual clock differs from that of the machine.";
    CLOCK_TRUSTED: Gauge = "strongroom_clock_trusted" [],
        "1 if the clock is trusted, else 0: due purges are then withheld.";
    DUE_WORK: Gauge = "strongroom_due_work" [],
        "Pieces of scheduled work whose time has come and that are not done yet.";
    SCHEDULER_LAG: Gauge = "strongroom_scheduler_lag_seconds" [],
        "Time since the earliest scheduled work that is not done was due; 0 if there is none.";
    NEXT_DUE: Gauge = "strongroom_next_due_timestamp_seconds" [],
        "When the next scheduled work is due, in seconds since 1970 of the clock of the service. Absent if none is scheduled.";
    SCHEDULED_RUNS: Counter = "strongroom_scheduled_work_total" ["work", "result"],
        "Scheduled work that was run, by kind and result: `done`, `not_due` any more, or `failed`.";

    // Connections.
    CONNECTIONS: Gauge = "strongroom_connections" ["state"],
        "Open connections, by state: `authenticated` if a request on it was, else `unauthenticated`.";
    CONNECTION_LIMIT: Gauge = "strongroom_connections_limit" [],
        "The maximum number of open connections.";
    CONNECTIONS_ACCEPTED: Counter = "strongroom_connections_accepted_total" [],
        "Connections that were accepted.";
    CONNECTIONS_REFUSED: Counter = "strongroom_connections_refused_total" ["reason"],
        "Connections that were closed for lack of room, by reason: `queue_full`, `no_slot` in time, `reclaimed` for another one, or \
         `accept_failed` if the system refuses another descriptor.";
    TLS_FAILURES: Counter = "strongroom_tls_handshake_failures_total" [],
        "TLS handshakes that failed or timed out.";

    // Containers and cost.
    HSMS: Gauge = "strongroom_managed_hsms" ["state"],
        "Managed HSMs, by state: `active`, `not_activated` or `deleted`.";
    VAULTS: Gauge = "strongroom_vaults" ["state"],
        "Vaults, by state: `active` or `deleted`.";
    COST: Gauge = "strongroom_accrued_cost" ["container", "currency"],
        "The cost of a container since the beginning of the month by the clock of the service, at the configured price list.";

    // Health and process.
    READY: Gauge = "strongroom_ready" [],
        "1 if the service can serve cryptographic operations of every container, else 0: what `/readyz` answers.";
    PROCESS_CPU: Counter = "process_cpu_seconds_total" [],
        "User and system CPU time of the server process, without its worker processes, in seconds.";
    PROCESS_MEMORY: Gauge = "process_resident_memory_bytes" [],
        "Resident memory of the server process, in bytes.";
    PROCESS_DESCRIPTORS: Gauge = "process_open_fds" [],
        "Open file descriptors of the server process.";
    PROCESS_DESCRIPTOR_LIMIT: Gauge = "process_max_fds" [],
        "The maximum number of open file descriptors.";
    PROCESS_START: Gauge = "process_start_time_seconds" [],
        "When the server process started, in seconds since 1970.";
    PROCESS_UPTIME: Gauge = "strongroom_uptime_seconds" [],
        "Time since the server process started.";
}
