-- What goes wrong
-- Which events could not be read, taken or validated, grouped by why, the most frequent first.
-- $1 source text optional: github, linear, slack, …; all of them when it is left out
SELECT source, event_type, stage, reason, failures, first_at, last_at, for_example
FROM failure_patterns
WHERE $1 IS NULL OR source = lower($1)
ORDER BY failures DESC, last_at DESC, stage
