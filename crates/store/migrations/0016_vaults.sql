-- Vaults: the other kind of container. `folded` is the name in lower case; `resource` is the record as JSON.

CREATE TABLE vaults (
    folded   TEXT PRIMARY KEY,
    resource TEXT NOT NULL
);
