-- A message was handled. The table is the test's.
-- $1 its subject
INSERT INTO stumbler_steps VALUES ($1::uuid)
