-- Who is told of findings, and what was told. The secrets of a channel are those of a credential. Instants are
-- as in the first migration.

CREATE TABLE channels (
  id {id},
  name TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  definition TEXT NOT NULL,
  version BIGINT NOT NULL,
  changed_by TEXT NOT NULL,
  changed_at BIGINT NOT NULL,
  tested_at BIGINT,
  is_accepted BIGINT,
  outcome TEXT
);

-- One row for each change of a finding and each channel that it goes to; digests take those that wait together.

CREATE TABLE alerts (
  id {id},
  channel BIGINT NOT NULL,
  finding BIGINT NOT NULL,
  change BIGINT NOT NULL,
  change_kind TEXT NOT NULL,
  is_digest BIGINT NOT NULL,
  state TEXT NOT NULL,
  message TEXT NOT NULL,
  owner TEXT NOT NULL,
  leased_until BIGINT NOT NULL,
  attempts BIGINT NOT NULL,
  not_before BIGINT NOT NULL,
  seen_at BIGINT,
  noticed_at BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  delivered_at BIGINT,
  reason TEXT NOT NULL,
  UNIQUE (channel, change)
);

CREATE INDEX alerts_by_turn ON alerts (state, not_before);
CREATE INDEX alerts_by_finding ON alerts (finding);
