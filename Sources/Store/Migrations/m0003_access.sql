-- Who signs in, what they may do where, and their keys and sessions. Of keys, sessions and codes only the
-- SHA-256 digest is here.

CREATE TABLE people (
  id {id},
  name TEXT NOT NULL UNIQUE,
  email TEXT NOT NULL,
  issuer TEXT NOT NULL,
  subject TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  disabled_at BIGINT
);

CREATE INDEX people_by_subject ON people (issuer, subject);

CREATE TABLE grants (
  id {id},
  person BIGINT NOT NULL REFERENCES people (id),
  role TEXT NOT NULL,
  extent_kind TEXT NOT NULL,
  extent_name TEXT NOT NULL,
  expires_at BIGINT NOT NULL,
  granted_by TEXT NOT NULL,
  valid_from BIGINT NOT NULL,
  valid_to BIGINT NOT NULL
);

CREATE INDEX grants_by_person ON grants (person);

CREATE TABLE api_keys (
  id {id},
  digest TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  person BIGINT NOT NULL REFERENCES people (id),
  role TEXT NOT NULL,
  extent_kind TEXT NOT NULL,
  extent_name TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  revoked_at BIGINT,
  used_on TEXT NOT NULL
);

CREATE TABLE sessions (
  digest TEXT NOT NULL PRIMARY KEY,
  person BIGINT NOT NULL REFERENCES people (id),
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
) {by key};

CREATE TABLE sign_in_codes (
  digest TEXT NOT NULL PRIMARY KEY,
  person BIGINT NOT NULL REFERENCES people (id),
  expires_at BIGINT NOT NULL
) {by key};

-- Sign-ins that are with the identity provider.
CREATE TABLE pending_sign_ins (
  state TEXT NOT NULL PRIMARY KEY,
  pending TEXT NOT NULL,
  expires_at BIGINT NOT NULL
) {by key};

-- What was answered to a request that may be sent again.
CREATE TABLE idempotent_answers (
  key TEXT NOT NULL PRIMARY KEY,
  request TEXT NOT NULL,
  status BIGINT NOT NULL,
  headers TEXT NOT NULL,
  body TEXT NOT NULL,
  created_at BIGINT NOT NULL
) {by key};

-- Secrets are bound to the database that they are in. Those that are there already are bound to none, and stay so.
INSERT INTO facts (name, value) SELECT 'tenant', '' WHERE EXISTS (SELECT 1 FROM credentials);
