-- Pull requests without an issue
-- Which pull requests name no issue that is known?
-- $1 state open|merged|closed = open: as it is now
SELECT subject, title, author, opened_at, url
FROM pull_request_flow
WHERE state = $1 AND issues = '{}'
ORDER BY opened_at DESC, subject
