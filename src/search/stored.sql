-- Which of the events that the index found are there to be shown: in the log, of this tenant, not redacted.
SELECT e.id FROM log.envelopes e WHERE e.id = ANY ($1) AND e.tenant = $2 AND e.body IS NOT NULL
