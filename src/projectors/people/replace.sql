-- The rows of a tenant ($1) are these ($2) and no others; those that stay the same are not written.
WITH made AS MATERIALIZED (
    SELECT r.* FROM jsonb_populate_recordset(NULL::person_identities, $2::jsonb) AS r),
gone AS (
    DELETE FROM person_identities e
    WHERE e.tenant = $1
      AND NOT EXISTS (SELECT FROM made m WHERE m.key = e.key AND ROW (m.*) IS NOT DISTINCT FROM ROW (e.*))
    RETURNING e.key)
INSERT INTO person_identities
SELECT m.*
FROM made m
-- The count makes sure that the old rows are gone before the new ones come.
WHERE (SELECT count(*) FROM gone) >= 0
  AND NOT EXISTS (SELECT FROM person_identities e WHERE e.tenant = $1 AND e.key = m.key AND ROW (m.*) IS NOT DISTINCT FROM ROW (e.*))
