-- Flaky checks
-- Which checks failed and succeeded on the same commit?
-- $1 repository text optional: owner/name; all of them when it is left out
-- $2 rate number = 0: only those with a greater part of flaky commits, from 0 to 1
SELECT repository, kind, check_name, flaky_commits, commits, flaky_rate, failure_rate, last_flaky_at
FROM flaky_checks
WHERE flaky_commits > 0 AND flaky_rate > $2 AND ($1 IS NULL OR lower(repository) = lower($1))
ORDER BY flaky_rate DESC, flaky_commits DESC, repository, check_name
