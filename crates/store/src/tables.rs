//! The tables of the newest schema, in an order in which rows can be inserted: a table follows those that it refers to.

/// A table.
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: &'static [(&'static str, Kind)],
    /// The columns of the primary key.
    pub(super) key: &'static [&'static str],
}

/// The type of a column.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Text,
    Integer,
    Bytes,
}

use Kind::{Bytes, Integer, Text};

/// All tables but that of the migrations.
pub(super) const TABLES: &[Table] = &[
    Table { name: "hsms", columns: &[("folded", Text), ("resource", Text)], key: &["folded"] },
    Table { name: "vaults", columns: &[("folded", Text), ("resource", Text)], key: &["folded"] },
    Table {
        name: "keys",
        columns: &[
            ("hsm", Text),
            ("folded", Text),
            ("name", Text),
            ("deleted_at", Integer),
            ("scheduled_purge_at", Integer),
        ],
        key: &["hsm", "folded"],
    },
    Table {
        name: "key_versions",
        columns: &[
            ("version", Text),
            ("hsm", Text),
            ("key_name", Text),
            ("position", Integer),
            ("material", Text),
            ("operations", Text),
            ("enabled", Integer),
            ("not_before", Integer),
            ("expires", Integer),
            ("created", Integer),
            ("updated", Integer),
            ("exportable", Integer),
            ("tags", Text),
            ("notices", Integer),
            ("mode_family", Text),
            ("protection", Text),
        ],
        key: &["hsm", "version"],
    },
    Table {
        name: "rotation_policies",
        columns: &[
            ("hsm", Text),
            ("key_name", Text),
            ("expiry_time", Text),
            ("time_after_create", Text),
            ("time_before_expiry", Text),
            ("created", Integer),
            ("updated", Integer),
        ],
        key: &["hsm", "key_name"],
    },
    Table {
        name: "secrets",
        columns: &[
            ("container", Text),
            ("folded", Text),
            ("name", Text),
            ("deleted_at", Integer),
            ("scheduled_purge_at", Integer),
        ],
        key: &["container", "folded"],
    },
    Table {
        name: "secret_versions",
        columns: &[
            ("container", Text),
            ("secret", Text),
            ("version", Text),
            ("position", Integer),
            ("value", Text),
            ("content_type", Text),
            ("enabled", Integer),
            ("not_before", Integer),
            ("expires", Integer),
            ("created", Integer),
            ("updated", Integer),
            ("tags", Text),
        ],
        key: &["container", "secret", "version"],
    },
    Table {
        name: "certificates",
        columns: &[
            ("container", Text),
            ("folded", Text),
            ("name", Text),
            ("first", Text),
            ("policy", Text),
            ("pending", Text),
            ("deleted_at", Integer),
            ("scheduled_purge_at", Integer),
            ("renewal", Text),
        ],
        key: &["container", "folded"],
    },
    Table {
        name: "certificate_versions",
        columns: &[
            ("container", Text),
            ("certificate", Text),
            ("version", Text),
            ("position", Integer),
            ("der", Bytes),
            ("thumbprint", Bytes),
            ("enabled", Integer),
            ("not_before", Integer),
            ("expires", Integer),
            ("created", Integer),
            ("updated", Integer),
            ("tags", Text),
            ("notices", Integer),
            ("keep_order", Integer),
        ],
        key: &["container", "certificate", "version"],
    },
    Table {
        name: "certificate_settings",
        columns: &[("container", Text), ("settings", Text)],
        key: &["container"],
    },
    Table {
        name: "role_definitions",
        columns: &[("hsm", Text), ("id", Text), ("position", Integer), ("definition", Text)],
        key: &["hsm", "id"],
    },
    Table {
        name: "role_assignments",
        columns: &[
            ("hsm", Text),
            ("id", Text),
            ("position", Integer),
            ("role_definition", Text),
            ("principal", Text),
            ("scope", Text),
        ],
        key: &["hsm", "id"],
    },
    Table { name: "subscriptions", columns: &[("id", Text), ("resource", Text)], key: &["id"] },
    Table {
        name: "resource_groups",
        columns: &[("subscription", Text), ("folded", Text), ("resource", Text)],
        key: &["subscription", "folded"],
    },
    Table {
        name: "budgets",
        columns: &[("subscription", Text), ("folded", Text), ("resource", Text)],
        key: &["subscription", "folded"],
    },
    Table {
        name: "control_role_definitions",
        columns: &[("id", Text), ("position", Integer), ("definition", Text)],
        key: &["id"],
    },
    Table {
        name: "control_role_assignments",
        columns: &[
            ("id", Text),
            ("position", Integer),
            ("role_definition", Text),
            ("principal", Text),
            ("scope", Text),
        ],
        key: &["id"],
    },
    Table {
        name: "intents",
        columns: &[("id", Text), ("hsm", Text), ("verb", Text), ("objects", Text), ("instance", Text)],
        key: &["id"],
    },
    Table {
        name: "readings",
        columns: &[("hsm", Text), ("event", Text), ("meter", Text), ("hour", Integer), ("calls", Integer)],
        key: &["hsm", "event", "meter", "hour"],
    },
    Table {
        name: "used_versions",
        columns: &[("version", Text), ("hsm", Text), ("key_name", Text), ("key_type", Text)],
        key: &["hsm", "version"],
    },
    Table {
        name: "version_days",
        columns: &[("version", Text), ("hsm", Text), ("day", Integer)],
        key: &["hsm", "version", "day"],
    },
    Table {
        name: "hsm_lives",
        columns: &[
            ("id", Text),
            ("name", Text),
            ("subscription", Text),
            ("resource_group", Text),
            ("location", Text),
            ("sku", Text),
        ],
        key: &["id"],
    },
    Table {
        name: "hsm_phases",
        columns: &[("hsm_id", Text), ("position", Integer), ("at", Integer), ("phase", Text)],
        key: &["hsm_id", "position"],
    },
    Table {
        name: "lifecycle_events",
        columns: &[("sequence", Integer), ("event", Text)],
        key: &["sequence"],
    },
    Table {
        name: "instances",
        columns: &[("name", Text), ("seq", Integer), ("chain", Text)],
        key: &["name"],
    },
    Table {
        name: "audit_records",
        columns: &[
            ("instance", Text),
            ("last_seq", Integer),
            ("first_seq", Integer),
            ("at", Integer),
            ("chain", Text),
            ("counted", Text),
            ("lines", Text),
        ],
        key: &["instance", "last_seq"],
    },
    Table {
        name: "change_log",
        columns: &[("number", Integer), ("instance", Text), ("entry", Text)],
        key: &["number"],
    },
    Table {
        name: "leases",
        columns: &[("name", Text), ("instance", Text), ("until", Integer)],
        key: &["name"],
    },
    Table {
        name: "audit_keys",
        columns: &[("version", Text), ("position", Integer), ("token_serial", Text), ("public_key", Text)],
        key: &["version"],
    },
    Table {
        name: "clock",
        columns: &[("id", Integer), ("offset_micros", Integer), ("frozen", Integer)],
        key: &["id"],
    },
    Table {
        name: "time_mark",
        columns: &[
            ("id", Integer),
            ("mark", Integer),
            ("seen", Integer),
            ("hold_since", Integer),
            ("hold_reason", Text),
            ("hold_ahead", Integer),
            ("hold_proven", Integer),
        ],
        key: &["id"],
    },
    Table {
        name: "written_groups",
        columns: &[("id", Integer), ("number", Integer), ("settled", Integer)],
        key: &["id"],
    },
];

#[cfg(test)]
mod tests;
