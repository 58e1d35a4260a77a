-- The links found last: each once, with its strongest evidence; by the event that gave evidence first.
WITH known AS (
    SELECT c.*,
           row_number() OVER link AS strength,
           count(*) OVER (PARTITION BY c.correlation_type, lower(c.subject), lower(c.related_subject)) AS evidence_count,
           min(c.received_at) OVER (PARTITION BY c.correlation_type, lower(c.subject), lower(c.related_subject)) AS first_at,
           min(c."position") OVER (PARTITION BY c.correlation_type, lower(c.subject), lower(c.related_subject)) AS first_position
    FROM known_links c
    WHERE c.tenant = $1
    WINDOW link AS (PARTITION BY c.correlation_type, lower(c.subject), lower(c.related_subject)
                    ORDER BY c.confidence DESC, c."position")),
newest AS (
    SELECT * FROM known WHERE strength = 1
    ORDER BY first_position DESC, correlation_type, subject, related_subject LIMIT $2)
SELECT n.correlation_type, n.subject, n.related_subject, n.confidence, n.rule, n.evidence_field, n.evidence_text,
       n.event_id, n.evidence_count, n.first_at,
       ARRAY(SELECT s.id FROM event_subjects s
             WHERE s.tenant = $1 AND s.id <> n.event_id AND lower(s.subject) = lower(n.related_subject)
             GROUP BY s.id, s."position" ORDER BY s."position" DESC LIMIT 5) AS related_event_ids
FROM newest n
ORDER BY n.first_position DESC, n.correlation_type, n.subject, n.related_subject
