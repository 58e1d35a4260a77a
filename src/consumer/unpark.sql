-- Takes back what a consumer had set aside at these positions ($2) and ranges ($3 to $4): it was redacted or retired.
DELETE FROM hooklake.parked p
WHERE p.consumer = $1
  AND (p.position = ANY ($2) OR EXISTS (SELECT FROM unnest($3::bigint[], $4::bigint[]) AS r (first, last) WHERE p.position BETWEEN r.first AND r.last))
