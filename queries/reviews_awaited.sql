-- Reviews that are awaited
-- Which open pull requests wait for whose review, the longest first?
-- $1 reviewer text optional: login or team; everyone when it is left out
SELECT reviewer, subject, title, author, requested_at, waiting_hours
FROM review_waiting
WHERE $1 IS NULL OR lower(reviewer) = lower($1)
ORDER BY waiting_hours DESC, subject, reviewer
