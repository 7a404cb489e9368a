-- Resources by their kind: who has access, what a rule would hold up and which properties there are
-- are read kind by kind.

CREATE INDEX resources_by_kind ON resources (kind, account);
