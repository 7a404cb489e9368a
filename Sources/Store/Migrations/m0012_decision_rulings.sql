-- What every rule said in a decision; decisions by the same rules with the same verdicts share a row.

CREATE TABLE decision_rulings (
  id {id},
  digest TEXT NOT NULL UNIQUE,
  rulings TEXT NOT NULL
);

ALTER TABLE decisions ADD COLUMN rulings BIGINT NOT NULL DEFAULT 0;
