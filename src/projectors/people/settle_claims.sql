-- Each of these claims (tenants $1, accounts $2, kinds $3, values $4) with the first event that still makes it; one that
-- none makes goes. Returns the tenants in which something changed.
WITH asked AS MATERIALIZED (
    SELECT k.tenant, k.identity, k.kind, k.value, first."position"
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS k (tenant, identity, kind, value)
    LEFT JOIN LATERAL (
        SELECT e."position" FROM person_evidence e
        WHERE e.tenant = k.tenant AND e.identity = k.identity AND e.kind = k.kind AND e.value = k.value
        ORDER BY e."position" LIMIT 1) AS first ON true),
gone AS (
    DELETE FROM person_claims c USING asked a
    WHERE a."position" IS NULL AND c.tenant = a.tenant AND c.identity = a.identity AND c.kind = a.kind AND c.value = a.value
    RETURNING c.tenant),
made AS (
    INSERT INTO person_claims AS c (tenant, identity, kind, value, "position")
    SELECT a.tenant, a.identity, a.kind, a.value, a."position" FROM asked a WHERE a."position" IS NOT NULL
    ON CONFLICT (tenant, identity, kind, value) DO UPDATE SET "position" = excluded."position"
    WHERE c."position" <> excluded."position"
    RETURNING c.tenant)
SELECT tenant FROM gone UNION SELECT tenant FROM made
