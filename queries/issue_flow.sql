-- Issue flow
-- How many issues came, how many were closed, and how many stay open, the newest periods first?
-- $1 period day|week|month = week: how long one is
-- $2 place text optional: key of a Linear team or owner/name of a repository
SELECT place, period_start, opened, closed, net, open_at_end, median_lead_hours, median_work_hours
FROM issue_flow
WHERE period = $1 AND ($2 IS NULL OR lower(place) = lower($2))
ORDER BY place, period_start DESC
