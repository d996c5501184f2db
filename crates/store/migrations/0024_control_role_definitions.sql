-- Custom role definitions of the control plane, as JSON, in order of creation.
CREATE TABLE control_role_definitions (
    id TEXT PRIMARY KEY NOT NULL,
    position INTEGER NOT NULL,
    definition TEXT NOT NULL
) STRICT;
