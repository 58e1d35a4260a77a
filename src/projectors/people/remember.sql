-- Which claims are made at the positions $1, or from one of $2 through its fellow of $3, that are about to go. The table
-- is empty again when the transaction ends.
INSERT INTO hooklake.unsettled_claims (tenant, identity, kind, value)
SELECT DISTINCT gone.tenant, gone.identity, gone.kind, gone.value
FROM (SELECT e.* FROM person_evidence e WHERE e."position" = ANY ($1::bigint[])
      UNION ALL
      SELECT e.* FROM unnest($2::bigint[], $3::bigint[]) AS r (first, through)
      JOIN person_evidence e ON e."position" BETWEEN r.first AND r.through) AS gone
