-- Findings of an account, and of a resource: a page of each shows them.

CREATE INDEX findings_by_account ON findings (account, id);
CREATE INDEX findings_by_resource ON findings (resource, id);
