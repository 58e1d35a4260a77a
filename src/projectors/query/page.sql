-- A page of events, newest first. Every parameter from $2 on may be NULL, which does not narrow.
--   $2 $3    older than, newer than these positions
--   $5 $6    kinds: types and actions side by side, in lower case; NULL among them stands for all
--   $9       the names that the subject may have, six at most (SPELLINGS_MAX): one by one, so that they are constants to the
--            planner, which then knows how frequent they are; an empty list stands for all
--   $12      rows to read: one more than the page has tells whether there is another page
--   $13      whether payloads are wanted: each is read from the log
SELECT "position", id, tenant, source, platform, event_type, action, kind, actor, title, repository, subject, url, status, priority,
       parse_status, lossy, duplicate_keys, flags, body_bytes, delivery_key, received_at, created_at, processed_at,
       CASE WHEN $13::boolean THEN payload END AS payload
FROM events e
WHERE e.tenant = $1
  AND ($2::bigint IS NULL OR e."position" < $2)
  AND ($3::bigint IS NULL OR e."position" > $3)
  AND ($4::text IS NULL OR e.source = $4)
  AND (cardinality($5::text[]) = 0 OR EXISTS (
        SELECT FROM unnest($5::text[], $6::text[]) AS wanted (event_type, action)
        WHERE (wanted.event_type IS NULL OR wanted.event_type = lower(e.event_type))
          AND (wanted.action IS NULL OR wanted.action = lower(e.action))))
  AND ($7::text IS NULL OR lower(e.actor) = lower($7))
  AND ($8::text IS NULL OR lower(e.repository) = lower($8))
  AND (cardinality($9::text[]) = 0 OR lower(e.subject) = ANY (ARRAY[
        lower(($9::text[])[1]), lower(($9::text[])[2]), lower(($9::text[])[3]), lower(($9::text[])[4]), lower(($9::text[])[5]), lower(($9::text[])[6])]))
  AND ($10::timestamptz IS NULL OR e.received_at >= $10)
  AND ($11::timestamptz IS NULL OR e.received_at < $11)
ORDER BY e."position" DESC LIMIT $12::bigint
