-- Who did what
-- What did each person do, by platform and kind of event?
-- $1 actor text optional: a name, a login, an email address or a Slack id of one of their accounts; everyone when it is left out
-- $2 days count = 7: how many days back
SELECT a.name, a.platform, a.kind, count(*) AS events, max(a.received_at) AS last_at
FROM person_activity a
WHERE a.received_at >= now() - make_interval(days => $2::integer)
  AND ($1 IS NULL OR lower(a.actor) = lower($1)
       OR (a.tenant, a.person_key) IN (
           SELECT i.tenant, i.person_key FROM person_identities i
           WHERE lower($1) = lower(split_part(i.key, ':', 2)) OR lower($1) = ANY (i.emails)
              OR EXISTS (SELECT FROM unnest(i.logins || i.names) AS called WHERE lower(called) = lower($1))))
GROUP BY a.tenant, a.person_key, a.name, a.platform, a.kind
ORDER BY events DESC, a.name, a.platform, a.kind
