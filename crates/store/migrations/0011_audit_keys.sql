-- The keys that signed the audit log: CKA_ID and token, and the public half as JSON once the key is made.

CREATE TABLE audit_keys (
    version      TEXT NOT NULL PRIMARY KEY,
    position     BIGINT NOT NULL,
    token_serial TEXT NOT NULL,
    public_key   TEXT
);
