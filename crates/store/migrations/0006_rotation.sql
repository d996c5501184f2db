-- When keys get new versions by themselves, and what was said of a version once and for all. Periods
-- are ISO 8601 as they were sent; at most one of the two triggers is there.

CREATE TABLE rotation_policies (
    hsm                TEXT NOT NULL,
    key_name           TEXT NOT NULL,
    expiry_time        TEXT,
    time_after_create  TEXT,
    time_before_expiry TEXT,
    created            BIGINT NOT NULL,
    updated            BIGINT NOT NULL,
    PRIMARY KEY (hsm, key_name),
    FOREIGN KEY (hsm, key_name) REFERENCES keys (hsm, folded)
);

-- Bits: 1 expires soon, 2 could not be rotated.
ALTER TABLE key_versions ADD COLUMN notices BIGINT NOT NULL DEFAULT 0;
