-- When what is attached is validated, and the work that this makes. Instants are as in the first migration.

CREATE TABLE attachment_pauses (
  id {id},
  attachment BIGINT NOT NULL REFERENCES attachments (id),
  valid_from BIGINT NOT NULL,
  valid_to BIGINT NOT NULL
);

-- One validation of an attachment: by its schedule, once for each instant that was due, or by a person.

CREATE TABLE runs (
  id {id},
  attachment BIGINT NOT NULL REFERENCES attachments (id),
  due_at BIGINT NOT NULL,
  cause TEXT NOT NULL,
  requested_by TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  UNIQUE (attachment, due_at)
);

-- Work for whoever is free. The target says what a job is about; at most one job of a target is open.

CREATE TABLE jobs (
  id {id},
  kind TEXT NOT NULL,
  target TEXT NOT NULL,
  provider TEXT NOT NULL,
  account TEXT NOT NULL,
  credential TEXT NOT NULL,
  instruction TEXT NOT NULL,
  state TEXT NOT NULL,
  owner TEXT NOT NULL,
  leased_until BIGINT NOT NULL,
  attempts BIGINT NOT NULL,
  not_before BIGINT NOT NULL,
  scan BIGINT,
  reason TEXT NOT NULL,
  progress TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  started_at BIGINT,
  finished_at BIGINT
);

CREATE UNIQUE INDEX jobs_open ON jobs (target) WHERE state IN ('waiting', 'leased');
CREATE INDEX jobs_by_turn ON jobs (state, not_before);

CREATE TABLE run_jobs (
  run BIGINT NOT NULL REFERENCES runs (id),
  job BIGINT NOT NULL REFERENCES jobs (id),
  PRIMARY KEY (run, job)
) {by key};
