//! The layers of the modules of the top package.

/// The modules of the top package, lowest layer first, with the modules or paths that each may use besides itself. The
/// packages in `crates/` are modules here.
pub(super) const MODULES: &[(&str, &[&str])] = &[
    // 1: formats
    ("focus", &["model"]),
    // 3: one file per operation
    (
        "ops",
        &[
            "model",
            "clock",
            "focus",
            "ids",
            "certificate",
            "public_key",
            "security_domain",
            "audit",
            "backup",
            "storage",
            "store",
            "token",
        ],
    ),
    // 4: the call pipeline
    (
        "engine",
        &[
            "model",
            "clock",
            "config",
            "ids",
            "public_key",
            "audit",
            "identity",
            "storage",
            "store",
            "telemetry",
            "token",
            "ops",
        ],
    ),
    // 5: callers of the engine
    (
        "api",
        &[
            "model",
            "clock",
            "config",
            "ids",
            "public_key",
            "security_domain",
            "identity",
            "ops",
            "engine",
            "jobs",
        ],
    ),
    ("jobs", &["model", "clock", "config", "ids", "identity", "telemetry", "ops", "engine"]),
    // 6: the server process
    (
        "server",
        &[
            "model",
            "clock",
            "config",
            "ids",
            "public_key",
            "audit",
            "identity",
            "storage",
            "store",
            "telemetry",
            "token",
            "ops",
            "engine",
            "api",
            "jobs",
        ],
    ),
    // 7: the modes of the service
    ("gateway", &["model", "clock", "config", "storage", "token", "api", "server"]),
    (
        "simulator",
        &["model", "clock", "config", "ids", "identity", "storage", "token", "engine", "api", "server"],
    ),
    // 8: the command line
    (
        "cli",
        &[
            "model",
            "clock",
            "config",
            "ids",
            "public_key",
            "security_domain",
            "audit",
            "store",
            "telemetry",
            "token",
            "api::grpc::pb",
            "server",
            "gateway",
            "simulator",
        ],
    ),
    ("main", &["cli", "config", "server"]),
];
