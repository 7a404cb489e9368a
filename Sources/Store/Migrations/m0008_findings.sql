-- What was noticed: kinds of findings, and one row for each cause, which grows as it is seen again. Instants
-- are as in the first migration; severities are 0 for informational to 4 for critical.

CREATE TABLE finding_notes (
  id {id},
  source TEXT NOT NULL,
  name TEXT NOT NULL,
  provider TEXT NOT NULL,
  title TEXT NOT NULL,
  severity BIGINT NOT NULL,
  details TEXT NOT NULL,
  changed_by TEXT NOT NULL,
  changed_at BIGINT NOT NULL,
  UNIQUE (source, name)
);

CREATE TABLE findings (
  id {id},
  uid TEXT NOT NULL UNIQUE,
  note BIGINT NOT NULL REFERENCES finding_notes (id),
  severity BIGINT NOT NULL,
  account TEXT NOT NULL,
  region TEXT NOT NULL,
  resource TEXT NOT NULL,
  entity TEXT NOT NULL,
  first_seen BIGINT,
  last_seen BIGINT,
  count BIGINT NOT NULL,
  evidence {bytes} NOT NULL,
  state TEXT NOT NULL,
  decided_by TEXT NOT NULL,
  decided_at BIGINT NOT NULL,
  reason TEXT NOT NULL,
  kept_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);

CREATE INDEX findings_by_note ON findings (note);
CREATE INDEX findings_by_state ON findings (state, severity);

-- What was counted into a finding, by the id that its maker gave it, so that it counts once.

CREATE TABLE finding_parts (
  uid TEXT NOT NULL PRIMARY KEY,
  finding BIGINT NOT NULL,
  count BIGINT NOT NULL
) {by key};

CREATE INDEX finding_parts_by_finding ON finding_parts (finding);

-- What became of a finding; a number is given out under a lock, so that they are kept in their order.

CREATE TABLE finding_changes (
  id {id},
  finding BIGINT NOT NULL,
  kind TEXT NOT NULL,
  at BIGINT NOT NULL,
  actor TEXT NOT NULL,
  state TEXT NOT NULL,
  severity BIGINT NOT NULL,
  seen_at BIGINT,
  reason TEXT NOT NULL
);

CREATE INDEX finding_changes_by_finding ON finding_changes (finding);

INSERT INTO retention (class, days) VALUES ('findings', 90);
