-- Pull requests at GitHub
-- What happened to pull requests, newest first.
SELECT repository_full_name, pull_request_title, action, received_at FROM github_events WHERE event_type = 'pull_request' ORDER BY received_at DESC
