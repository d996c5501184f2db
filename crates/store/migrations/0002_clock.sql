-- How the simulator's virtual clock is set: one row, or none while it shows the machine's time.
-- Microseconds since 1970; frozen is NULL while the clock goes.

CREATE TABLE clock (
    id            BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    offset_micros BIGINT NOT NULL,
    frozen        BIGINT
);
