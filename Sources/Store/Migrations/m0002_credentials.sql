-- How accounts are signed in to. What is secret is sealed before it comes here; the key is never here.

CREATE TABLE credentials (
  name TEXT NOT NULL PRIMARY KEY,
  provider TEXT NOT NULL,
  details TEXT NOT NULL,
  version BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  rotated_at BIGINT,
  revoked_at BIGINT,
  tested_at BIGINT,
  is_accepted BIGINT,
  outcome TEXT
) {by key};

CREATE TABLE credential_secrets (
  credential TEXT NOT NULL REFERENCES credentials (name),
  field TEXT NOT NULL,
  key_id TEXT NOT NULL,
  wrapped_key {bytes} NOT NULL,
  sealed {bytes} NOT NULL,
  PRIMARY KEY (credential, field)
) {by key};
