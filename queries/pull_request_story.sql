-- Story of a pull request
-- Everything that happened to a pull request and around it, in order: its events, those of its issues, what was said about
-- it, and where it was deployed.
-- $1 repository text = Codertocat/Hello-World: owner/name
-- $2 number integer = 42: its number
WITH RECURSIVE near (tenant, subject, distance) AS (
    SELECT p.tenant, lower(p.subject), 0
    FROM pull_requests p
    WHERE lower(p.subject) = lower('github:' || $1 || '#' || $2)
    UNION
    SELECT n.tenant, c.subject, n.distance + 1
    FROM near n
    -- Each way by itself, so that PostgreSQL looks up the links of one thing instead of finding all first.
    CROSS JOIN LATERAL (
        SELECT lower(k.related_subject) AS subject, k.correlation_type FROM known_links k WHERE k.tenant = n.tenant AND lower(k.subject) = n.subject
        UNION
        SELECT lower(k.subject), k.correlation_type FROM known_links k WHERE k.tenant = n.tenant AND lower(k.related_subject) = n.subject) AS c
    WHERE n.distance < 2 AND (n.distance = 0 OR c.correlation_type IN ('commit_to_pr', 'deployment_to_commit', 'message_to_pr')))
SELECT DISTINCT e."position", e.received_at, e.platform, e.kind, e.actor, e.title, e.url
FROM near n
CROSS JOIN LATERAL (SELECT s."position" FROM event_subjects s WHERE s.tenant = n.tenant AND lower(s.subject) = n.subject OFFSET 0) AS s
JOIN events e ON e."position" = s."position"
ORDER BY e."position"
