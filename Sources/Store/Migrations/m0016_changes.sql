-- What changed since somebody looked: each resource has the number of the change that touched it last, by which
-- whoever keeps something of all of them in memory keeps up; and states are found by when they began and ended.

ALTER TABLE resources ADD COLUMN change BIGINT NOT NULL DEFAULT 0;

CREATE INDEX resources_by_change ON resources (change);
CREATE INDEX resources_by_begin ON resources (valid_from);
CREATE INDEX resources_by_end ON resources (valid_to) WHERE valid_to < 9223372036854775807;
