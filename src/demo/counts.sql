-- Events by source, with the types that came most often ($1 of them).
SELECT source, sum(n)::bigint AS events,
       string_agg(event_type || ' ' || n, ', ' ORDER BY n DESC, event_type) FILTER (WHERE place <= $1)
       || CASE WHEN count(*) > $1 THEN ', and ' || (count(*) - $1) || ' more types' ELSE '' END AS types
FROM (SELECT source, event_type, count(*) AS n, row_number() OVER (PARTITION BY source ORDER BY count(*) DESC, event_type) AS place
      FROM events GROUP BY source, event_type) AS by_type
GROUP BY source
ORDER BY 2 DESC, source
