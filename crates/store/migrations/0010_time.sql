-- How far the machine's clock was believed, so that a start can tell whether it is plausible: one row, or none for a
-- clock that is turned by hand. Instants are microseconds since 1970; the columns of a hold are NULL while there is none.

CREATE TABLE time_mark (
    id          BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    mark        BIGINT NOT NULL,
    seen        BIGINT NOT NULL,
    hold_since  BIGINT,
    hold_reason TEXT,
    hold_ahead  BIGINT,
    hold_proven BIGINT
);
