-- Cycle time by repository
-- Where do changes spend their time? Median hours of each part, of pull requests merged in the last days.
-- $1 repository text optional: owner/name; all of them when it is left out
-- $2 days count = 90: how many days back
SELECT repository, count(*) AS merged,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY coding_hours) AS coding_hours,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY pickup_hours) AS pickup_hours,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY review_hours) AS review_hours,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY deploy_hours) AS deploy_hours,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY cycle_hours) AS cycle_hours
FROM pull_request_flow
WHERE merged_at >= now() - make_interval(days => $2::integer) AND ($1 IS NULL OR lower(repository) = lower($1))
GROUP BY repository
ORDER BY merged DESC, repository
