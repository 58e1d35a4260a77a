-- Issue activity in Linear
-- What happened to issues, by team, newest first.
SELECT team_name, issue_title, action, creator_name, received_at FROM linear_events WHERE event_type = 'Issue' ORDER BY received_at DESC
