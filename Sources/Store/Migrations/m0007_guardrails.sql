-- Rules and templates that people make; each version holds from an instant to an instant.

CREATE TABLE documents (
  id {id},
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  version BIGINT NOT NULL,
  document TEXT NOT NULL,
  cases TEXT NOT NULL,
  labels TEXT NOT NULL,
  changed_by TEXT NOT NULL,
  valid_from BIGINT NOT NULL,
  valid_to BIGINT NOT NULL,
  UNIQUE (kind, name, version)
);

-- Rules, profiles and templates laid on scopes; a change ends a row and begins another of its number.

CREATE TABLE guardrails (
  id {id},
  number BIGINT NOT NULL,
  subject TEXT NOT NULL,
  name TEXT NOT NULL,
  scope TEXT NOT NULL,
  excludes TEXT NOT NULL,
  parameters TEXT NOT NULL,
  enforcement TEXT NOT NULL,
  on_failure TEXT NOT NULL,
  reason TEXT NOT NULL,
  changed_by TEXT NOT NULL,
  valid_from BIGINT NOT NULL,
  valid_to BIGINT NOT NULL
);

CREATE INDEX guardrails_by_number ON guardrails (number, valid_to);

-- Each decision about a request: who, what, which rules, what became of it.

CREATE TABLE decisions (
  id {id},
  at BIGINT NOT NULL,
  actor TEXT NOT NULL,
  gate TEXT NOT NULL,
  effect TEXT NOT NULL,
  provider TEXT NOT NULL,
  account TEXT NOT NULL,
  region TEXT NOT NULL,
  resource_group TEXT NOT NULL,
  service_name TEXT NOT NULL,
  resource_kind TEXT NOT NULL,
  resource_id TEXT NOT NULL,
  name TEXT NOT NULL,
  rule TEXT NOT NULL,
  verdict TEXT NOT NULL,
  report {bytes} NOT NULL
);

CREATE INDEX decisions_by_instant ON decisions (at);
CREATE INDEX decisions_by_effect ON decisions (effect, id);

INSERT INTO retention (class, days) VALUES ('decisions', 90);
