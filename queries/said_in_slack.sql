-- What was said about it
-- What was said in Slack about a pull request or an issue: the messages that name it, and the rest of their threads.
-- $1 subject text = linear:HEL-42: github:owner/name#42 or linear:HEL-42, as correlated_events calls it
SELECT coalesce(channel, channel_id) AS channel, coalesce(author, user_id) AS author, names_it, text, created_at, thread_key
FROM slack_discussions
WHERE subject = $1
ORDER BY created_at
