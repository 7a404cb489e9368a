-- What came of jobs by what they were about: whether the last one of a target failed is asked all the time.

CREATE INDEX jobs_by_target ON jobs (target, id);
