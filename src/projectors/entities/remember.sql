-- Which entities have versions at the positions $1, or from one of $2 through its fellow of $3, that are about to go.
-- The table is empty again when the transaction ends.
INSERT INTO hooklake.unsettled_entities (entity, tenant, key)
SELECT DISTINCT gone.entity, gone.tenant, gone.key
FROM (SELECT h.entity, h.tenant, h.key FROM entity_history h WHERE h."position" = ANY ($1::bigint[])
      UNION ALL
      SELECT h.entity, h.tenant, h.key
      FROM unnest($2::bigint[], $3::bigint[]) AS r (first, through)
      JOIN entity_history h ON h."position" BETWEEN r.first AND r.through) AS gone
