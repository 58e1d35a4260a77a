-- Links whose one end is something that the event $2 is about; each once, with its strongest evidence, and the newest
-- events about the other end. At most $3.
WITH mine AS MATERIALIZED (
    SELECT DISTINCT lower(subject) AS subject FROM event_subjects WHERE tenant = $1 AND id = $2),
touching AS (
    -- As of one subject each, so that indexes find them.
    SELECT c.* FROM mine m CROSS JOIN LATERAL (SELECT k.* FROM known_links k WHERE k.tenant = $1 AND lower(k.subject) = m.subject OFFSET 0) c
    UNION
    SELECT c.* FROM mine m CROSS JOIN LATERAL (SELECT k.* FROM known_links k WHERE k.tenant = $1 AND lower(k.related_subject) = m.subject OFFSET 0) c),
known AS (
    SELECT t.*,
           row_number() OVER link AS strength,
           count(*) OVER (PARTITION BY t.correlation_type, lower(t.subject), lower(t.related_subject)) AS evidence_count,
           min(t.received_at) OVER (PARTITION BY t.correlation_type, lower(t.subject), lower(t.related_subject)) AS first_at
    FROM touching t
    WINDOW link AS (PARTITION BY t.correlation_type, lower(t.subject), lower(t.related_subject)
                    ORDER BY t.confidence DESC, t."position"))
SELECT k.correlation_type, k.subject, k.related_subject, k.confidence, k.rule, k.evidence_field, k.evidence_text,
       k.event_id, k.evidence_count, k.first_at,
       ARRAY(SELECT s.id FROM event_subjects s
             WHERE s.tenant = $1 AND s.id <> $2
               AND lower(s.subject) = CASE WHEN lower(k.subject) IN (SELECT subject FROM mine)
                                           THEN lower(k.related_subject) ELSE lower(k.subject) END
             GROUP BY s.id, s."position" ORDER BY s."position" DESC LIMIT 5) AS related_event_ids
FROM known k
WHERE k.strength = 1
ORDER BY k.confidence DESC, k."position", k.correlation_type, k.subject, k.related_subject
LIMIT $3
