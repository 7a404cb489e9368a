-- Collectors that work away from the server, under keys of their own. Instants are as in the first migration.

CREATE TABLE collectors (
  id {id},
  name TEXT NOT NULL UNIQUE,
  public_key TEXT NOT NULL UNIQUE,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  version TEXT NOT NULL,
  host TEXT NOT NULL,
  address TEXT NOT NULL,
  registered_at BIGINT NOT NULL,
  approved_by TEXT NOT NULL,
  approved_at BIGINT,
  last_contact BIGINT,
  ticket TEXT NOT NULL,
  last_ticket TEXT NOT NULL,
  last_poll TEXT NOT NULL,
  last_reply TEXT NOT NULL,
  polls TEXT NOT NULL,
  backlog BIGINT NOT NULL,
  health TEXT NOT NULL
);

-- A code is used once; the collector that used it may ask again whether it did.
CREATE TABLE collector_codes (
  digest TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  created_by TEXT NOT NULL,
  expires_at BIGINT NOT NULL,
  collector BIGINT
) {by key};

-- What a collector says that it signs in with; the secrets stay with it.
CREATE TABLE collector_credentials (
  collector BIGINT NOT NULL REFERENCES collectors (id),
  name TEXT NOT NULL,
  provider TEXT NOT NULL,
  account TEXT NOT NULL,
  PRIMARY KEY (collector, name)
) {by key};

-- Inventories under way. The file tells how much has come; whoever judges it holds it until an instant.
CREATE TABLE uploads (
  job BIGINT NOT NULL PRIMARY KEY,
  collector BIGINT NOT NULL REFERENCES collectors (id),
  path TEXT NOT NULL,
  received BIGINT NOT NULL,
  judge TEXT NOT NULL,
  judged_until BIGINT NOT NULL,
  scan BIGINT
) {by key};
