-- Not answered
-- Which messages, open pull requests and open issues has nobody else answered yet?
-- $1 hours number = 24: older than so many hours
-- $2 kind slack_thread|pull_request|issue optional: what was asked in; all of them when it is left out
SELECT a.kind, a.place, a.subject, a.asked_by, a.asked_at, age.hours AS waiting_hours
FROM response_times a, LATERAL (SELECT round(extract(epoch FROM now() - a.asked_at) / 3600, 1) AS hours) age
WHERE a.answered_at IS NULL AND age.hours > $1 AND ($2 IS NULL OR a.kind = $2)
  -- Nobody waits for an answer to what is merged or closed.
  AND CASE a.kind WHEN 'pull_request' THEN EXISTS (SELECT FROM pull_requests p WHERE p.tenant = a.tenant AND p.key = a.key AND p.state = 'open')
                  WHEN 'issue' THEN EXISTS (SELECT FROM issues i WHERE i.tenant = a.tenant AND i.key = a.key AND i.is_open)
                  ELSE true END
ORDER BY a.asked_at, a.subject
