-- Work in progress by person
-- How much has each person begun and not finished, and how old is the oldest of it?
-- $1 owner text optional: login or name; everyone when it is left out
SELECT owner, count(*) FILTER (WHERE kind = 'pull_request') AS pull_requests, count(*) FILTER (WHERE kind = 'issue') AS issues,
       round(max(age_hours) / 24, 1) AS oldest_days, array_agg(subject ORDER BY age_hours DESC) AS subjects
FROM work_in_progress CROSS JOIN LATERAL unnest(owners) owner
WHERE $1 IS NULL OR lower(owner) = lower($1)
GROUP BY owner
ORDER BY count(*) DESC, owner
