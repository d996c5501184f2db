-- Secrets of vaults. `container` is the stored identifier of the vault in lower case, `folded` the name in lower case. Values are
-- encrypted under the sealing key of the vault.

CREATE TABLE secrets (
    container          TEXT NOT NULL,
    folded             TEXT NOT NULL,
    name               TEXT NOT NULL,
    deleted_at         BIGINT,
    scheduled_purge_at BIGINT,
    PRIMARY KEY (container, folded)
);

CREATE TABLE secret_versions (
    container    TEXT NOT NULL,
    secret       TEXT NOT NULL,
    version      TEXT NOT NULL,
    position     BIGINT NOT NULL,
    value        TEXT NOT NULL,
    content_type TEXT,
    enabled      BIGINT NOT NULL,
    not_before   BIGINT,
    expires      BIGINT,
    created      BIGINT NOT NULL,
    updated      BIGINT NOT NULL,
    tags         TEXT NOT NULL,
    PRIMARY KEY (container, secret, version),
    FOREIGN KEY (container, secret) REFERENCES secrets (container, folded)
);
