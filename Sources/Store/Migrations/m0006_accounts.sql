-- Scans and lists of one account read its resources only.

CREATE INDEX resources_by_account ON resources (account, id);
