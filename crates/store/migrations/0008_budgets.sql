-- Budgets, as JSON with when they were reached last.

CREATE TABLE budgets (
    subscription TEXT NOT NULL REFERENCES subscriptions (id),
    folded       TEXT NOT NULL,
    resource     TEXT NOT NULL,
    PRIMARY KEY (subscription, folded)
);
