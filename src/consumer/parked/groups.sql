-- Parked events by consumer and error. What differs from event to event in reasons of one kind, numbers and quoted words,
-- is left out.
--   $1  only of this consumer; NULL for all
--   $2  those whose loss was accepted as well
SELECT consumer, error, count(*) AS events, min(parked_at) AS first_parked_at, max(parked_at) AS last_parked_at, min(position) AS first_position,
       max(position) AS last_position, count(retry_requested_at) AS retry_requested, count(dropped_at) AS dropped,
       (array_agg(reason ORDER BY position DESC))[1] AS example
FROM (SELECT *, left(regexp_replace(regexp_replace(reason, '"[^"]*"|''[^'']*''', '…', 'g'), '[0-9]+', '#', 'g'), 300) AS error
      FROM hooklake.parked
      WHERE ($1::text IS NULL OR consumer = $1) AND ($2::boolean OR dropped_at IS NULL)) AS p
GROUP BY consumer, error
ORDER BY events DESC, consumer, error
LIMIT $3
