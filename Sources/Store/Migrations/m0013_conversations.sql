-- Who of one's own spoke to whom outside, summed up by day; a row without addresses is what the others of its
-- day, direction and account come to. Instants are as in the first migration.

CREATE TABLE conversations (
  day BIGINT NOT NULL,
  direction TEXT NOT NULL,
  account TEXT NOT NULL,
  own TEXT NOT NULL,
  external TEXT NOT NULL,
  port BIGINT NOT NULL,
  protocol TEXT NOT NULL,
  connections BIGINT NOT NULL,
  failed BIGINT NOT NULL,
  sent BIGINT NOT NULL,
  received BIGINT NOT NULL,
  first_seen BIGINT NOT NULL,
  last_seen BIGINT NOT NULL,
  since BIGINT NOT NULL,
  others BIGINT NOT NULL,
  PRIMARY KEY (day, direction, account, own, external, port, protocol)
);

CREATE INDEX conversations_by_external ON conversations (external, account);
CREATE INDEX conversations_by_own ON conversations (own, account);
CREATE INDEX conversations_by_account ON conversations (account);

-- What the latest lists and registers said of external addresses.

CREATE TABLE external_addresses (
  address TEXT NOT NULL PRIMARY KEY,
  owner TEXT NOT NULL,
  asn TEXT NOT NULL,
  categories TEXT NOT NULL,
  listings TEXT NOT NULL,
  changed_at BIGINT NOT NULL
) {by key};

-- How far logs were counted, by the digest of all up to there.

CREATE TABLE conversation_logs (
  digest TEXT NOT NULL PRIMARY KEY,
  log TEXT NOT NULL,
  bytes BIGINT NOT NULL,
  counted_at BIGINT NOT NULL
) {by key};

-- Which addresses findings tell of.

CREATE TABLE finding_addresses (
  address TEXT NOT NULL,
  finding BIGINT NOT NULL,
  PRIMARY KEY (address, finding)
) {by key};

CREATE INDEX finding_addresses_by_finding ON finding_addresses (finding);
