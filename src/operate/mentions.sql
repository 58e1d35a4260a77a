-- Of the newest names that another event has to explain (at most $1): how many are, and how many are not or not yet.
SELECT count(*) FILTER (WHERE m.is_explained) AS explained, count(*) FILTER (WHERE NOT m.is_explained) AS unexplained
FROM (SELECT EXISTS (SELECT FROM projections.subject_aliases a WHERE lower(a.alias) = lower(n.alias) AND a.tenant = n.tenant)
          OR EXISTS (SELECT FROM projections.event_subjects s
                     WHERE lower(s.subject) = lower(n.alias) AND s.tenant = n.tenant AND s.kind IN ('pull_request', 'issue', 'commit')) AS is_explained
      FROM (SELECT alias, tenant FROM projections.alias_mentions ORDER BY "position" DESC LIMIT $1) AS n) AS m
