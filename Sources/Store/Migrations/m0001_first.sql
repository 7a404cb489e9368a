-- Instants are milliseconds since 1970 UTC. An interval holds from its first instant up to, and not at,
-- its second; 9223372036854775807 says that it has not ended.

CREATE TABLE facts (
  name TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) {by key};

CREATE TABLE counters (
  name TEXT NOT NULL PRIMARY KEY,
  next BIGINT NOT NULL
) {by key};

-- Who: the tree of accounts, and the kinds of resources.

CREATE TABLE accounts (
  id {id},
  provider TEXT NOT NULL,
  account TEXT NOT NULL,
  name TEXT NOT NULL,
  parent BIGINT REFERENCES accounts (id),
  UNIQUE (provider, account)
);

CREATE TABLE kinds (
  id {id},
  service_name TEXT NOT NULL,
  resource_kind TEXT NOT NULL,
  UNIQUE (service_name, resource_kind)
);

-- By what: every version of a rule and profile that ever judged, the goals made of them, and for each
-- kind the order of its goals in a verdict vector.

CREATE TABLE rule_versions (
  digest TEXT NOT NULL PRIMARY KEY,
  rule TEXT NOT NULL,
  version BIGINT NOT NULL,
  document TEXT NOT NULL
);

CREATE TABLE goals (
  id {id},
  rule TEXT NOT NULL,
  rule_version BIGINT NOT NULL,
  rule_digest TEXT NOT NULL REFERENCES rule_versions (digest),
  parameters TEXT NOT NULL,
  severity TEXT NOT NULL,
  UNIQUE (rule_digest, parameters)
);

CREATE TABLE layouts (
  id {id},
  kind BIGINT NOT NULL REFERENCES kinds (id),
  goals TEXT NOT NULL,
  is_volatile BIGINT NOT NULL,
  UNIQUE (kind, goals, is_volatile)
);

CREATE TABLE profile_versions (
  digest TEXT NOT NULL PRIMARY KEY,
  profile TEXT NOT NULL,
  version TEXT NOT NULL,
  effective_date TEXT NOT NULL,
  document TEXT NOT NULL,
  kept_at BIGINT NOT NULL
);

-- What: configurations in compressed blocks, the state of each resource, and its earlier states.

CREATE TABLE blocks (
  id {id},
  account BIGINT NOT NULL REFERENCES accounts (id),
  lines BIGINT NOT NULL,
  content {bytes} NOT NULL
);

-- Numbers stand before texts: a scan reads the numbers of every row and the texts of none.
CREATE TABLE resources (
  id {id},
  account BIGINT NOT NULL REFERENCES accounts (id),
  kind BIGINT NOT NULL REFERENCES kinds (id),
  layout BIGINT NOT NULL,
  valid_from BIGINT NOT NULL,
  valid_to BIGINT NOT NULL,
  key_high BIGINT NOT NULL,
  key_low BIGINT NOT NULL,
  fingerprint_high BIGINT NOT NULL,
  fingerprint_low BIGINT NOT NULL,
  block BIGINT NOT NULL,
  slot BIGINT NOT NULL,
  first_seen BIGINT NOT NULL,
  verdicts TEXT NOT NULL,
  region TEXT NOT NULL,
  resource_group TEXT NOT NULL,
  resource_id TEXT NOT NULL,
  name TEXT NOT NULL,
  tags TEXT NOT NULL
);

CREATE UNIQUE INDEX resources_by_key ON resources (key_high, key_low);

CREATE TABLE versions (
  resource BIGINT NOT NULL REFERENCES resources (id),
  valid_from BIGINT NOT NULL,
  valid_to BIGINT NOT NULL,
  region TEXT NOT NULL,
  resource_group TEXT NOT NULL,
  name TEXT NOT NULL,
  tags TEXT NOT NULL,
  fingerprint_high BIGINT NOT NULL,
  fingerprint_low BIGINT NOT NULL,
  block BIGINT NOT NULL,
  slot BIGINT NOT NULL,
  layout BIGINT NOT NULL,
  verdicts TEXT NOT NULL,
  PRIMARY KEY (resource, valid_from)
) {by key};

CREATE INDEX versions_by_end ON versions (valid_to);

-- Proofs of goals that count related resources; all others are made again from the configuration.

CREATE TABLE proofs (
  resource BIGINT NOT NULL REFERENCES resources (id),
  goal BIGINT NOT NULL REFERENCES goals (id),
  valid_from BIGINT NOT NULL,
  proof {bytes} NOT NULL,
  PRIMARY KEY (resource, goal, valid_from)
) {by key};

CREATE TABLE coverage (
  account BIGINT NOT NULL REFERENCES accounts (id),
  kind BIGINT NOT NULL REFERENCES kinds (id),
  valid_from BIGINT NOT NULL,
  valid_to BIGINT NOT NULL,
  gap TEXT,
  PRIMARY KEY (account, kind, valid_from)
) {by key};

-- When: scans and their tasks.

CREATE TABLE scans (
  id {id},
  subject TEXT NOT NULL,
  account TEXT,
  instruction TEXT NOT NULL,
  instant BIGINT NOT NULL,
  status TEXT NOT NULL,
  started BIGINT NOT NULL,
  finished BIGINT,
  actor TEXT NOT NULL,
  content TEXT NOT NULL,
  report TEXT NOT NULL
);

CREATE TABLE tasks (
  id {id},
  scan BIGINT NOT NULL REFERENCES scans (id),
  part TEXT NOT NULL,
  state TEXT NOT NULL,
  owner TEXT NOT NULL,
  leased_until BIGINT NOT NULL,
  attempts BIGINT NOT NULL,
  start BIGINT NOT NULL,
  length BIGINT NOT NULL,
  report TEXT NOT NULL,
  seen {bytes} NOT NULL,
  population {bytes} NOT NULL,
  deferred {bytes} NOT NULL
);

CREATE INDEX tasks_by_scan ON tasks (scan, state);

CREATE TABLE score_ledger (
  scan BIGINT NOT NULL REFERENCES scans (id),
  scope TEXT NOT NULL,
  profile TEXT NOT NULL,
  profile_version TEXT NOT NULL,
  at BIGINT NOT NULL,
  figures TEXT NOT NULL,
  PRIMARY KEY (scan, scope, profile)
) {by key};

CREATE INDEX score_ledger_by_instant ON score_ledger (at);

-- What people decide: each record holds from an instant to an instant.

CREATE TABLE scopes (
  id {id},
  name TEXT NOT NULL,
  definition TEXT NOT NULL,
  valid_from BIGINT NOT NULL,
  valid_to BIGINT NOT NULL
);

CREATE TABLE attachments (
  id {id},
  profile TEXT NOT NULL,
  profile_digest TEXT NOT NULL REFERENCES profile_versions (digest),
  scope TEXT NOT NULL,
  parameters TEXT NOT NULL,
  schedule TEXT NOT NULL,
  valid_from BIGINT NOT NULL,
  valid_to BIGINT NOT NULL
);

CREATE TABLE exceptions (
  id {id},
  rule TEXT NOT NULL,
  resource TEXT NOT NULL,
  scope TEXT NOT NULL,
  reason TEXT NOT NULL,
  owner TEXT NOT NULL,
  requester TEXT NOT NULL,
  compensating_control TEXT NOT NULL,
  requested_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  approver TEXT,
  approved_at BIGINT,
  revoked_by TEXT,
  revoked_at BIGINT
);

CREATE TABLE marks (
  id {id},
  subject TEXT NOT NULL,
  subject_name TEXT NOT NULL,
  mark TEXT NOT NULL,
  value TEXT NOT NULL,
  valid_from BIGINT NOT NULL,
  valid_to BIGINT NOT NULL
);

CREATE TABLE attestations (
  id {id},
  profile TEXT NOT NULL,
  profile_version TEXT NOT NULL,
  control TEXT NOT NULL,
  scope TEXT NOT NULL,
  is_met BIGINT NOT NULL,
  statement TEXT NOT NULL,
  evidence_name TEXT NOT NULL,
  evidence_digest TEXT NOT NULL,
  evidence {bytes} NOT NULL,
  observed_at BIGINT NOT NULL,
  received_at BIGINT NOT NULL,
  period_from BIGINT NOT NULL,
  period_to BIGINT NOT NULL,
  attested_by TEXT NOT NULL,
  approved_by TEXT,
  approved_at BIGINT
);

CREATE TABLE retention (
  class TEXT NOT NULL PRIMARY KEY,
  days BIGINT NOT NULL
) {by key};

CREATE TABLE holds (
  id {id},
  kind TEXT NOT NULL,
  title TEXT NOT NULL,
  as_of BIGINT NOT NULL,
  valid_from BIGINT NOT NULL,
  valid_to BIGINT NOT NULL
);

-- Every change by whom; each entry holds the digest of the one before.

CREATE TABLE audit_log (
  id {id},
  at BIGINT NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  detail TEXT NOT NULL,
  previous TEXT NOT NULL,
  digest TEXT NOT NULL
);
