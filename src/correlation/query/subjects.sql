-- What the event $2 is about, and the other events about the same.
SELECT m.kind, m.subject,
       (SELECT count(DISTINCT s."position") FROM event_subjects s
        WHERE s.tenant = $1 AND lower(s.subject) = lower(m.subject)) AS event_count,
       ARRAY(SELECT s.id FROM event_subjects s
             WHERE s.tenant = $1 AND s.id <> $2 AND lower(s.subject) = lower(m.subject)
             GROUP BY s.id, s."position" ORDER BY s."position" DESC LIMIT 5) AS other_event_ids
FROM event_subjects m
WHERE m.tenant = $1 AND m.id = $2
ORDER BY m.kind, m.subject
