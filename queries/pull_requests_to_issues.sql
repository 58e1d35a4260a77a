-- Pull requests and their issues
-- Which pull request is for which issue, with the words that say so.
SELECT * FROM correlated_events WHERE correlation_type = 'pr_to_issue'
