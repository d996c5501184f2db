-- Certificates of vaults. `container` is the stored identifier of the vault in lower case, `folded` the name in lower case. The
-- companion key and secret of a certificate are those of its name in `keys` and `secrets`. `policy` and `pending` are JSON.

CREATE TABLE certificates (
    container          TEXT NOT NULL,
    folded             TEXT NOT NULL,
    name               TEXT NOT NULL,
    first              TEXT NOT NULL,
    policy             TEXT NOT NULL,
    pending            TEXT,
    deleted_at         BIGINT,
    scheduled_purge_at BIGINT,
    PRIMARY KEY (container, folded)
);

CREATE TABLE certificate_versions (
    container   TEXT NOT NULL,
    certificate TEXT NOT NULL,
    version     TEXT NOT NULL,
    position    BIGINT NOT NULL,
    der         BLOB NOT NULL,
    thumbprint  BLOB NOT NULL,
    enabled     BIGINT NOT NULL,
    not_before  BIGINT,
    expires     BIGINT,
    created     BIGINT NOT NULL,
    updated     BIGINT NOT NULL,
    tags        TEXT NOT NULL,
    PRIMARY KEY (container, certificate, version),
    FOREIGN KEY (container, certificate) REFERENCES certificates (container, folded)
);

-- Contacts and issuers of a vault, as JSON.
CREATE TABLE certificate_settings (
    container TEXT NOT NULL PRIMARY KEY,
    settings  TEXT NOT NULL
);
