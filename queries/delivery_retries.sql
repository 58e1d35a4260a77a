-- Deliveries that came again
-- How many deliveries did each source send, and how many of them more than once?
-- $1 days count = 30: how many days back
SELECT source, sum(deliveries) AS deliveries, sum(duplicates) AS duplicates, sum(conflicts) AS conflicts,
       sum(accepted_on_retry) AS accepted_on_retry, max(most_attempts) AS most_attempts
FROM delivery_retries
WHERE day >= (now() AT TIME ZONE 'UTC')::date - $1::integer
GROUP BY source
ORDER BY deliveries DESC, source
