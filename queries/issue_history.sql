-- History of an issue
-- How did an issue get to where it is: state, assignees and priority after each change?
-- $1 identifier text = HEL-42: HEL-42 (Linear) or owner/name#2 (GitHub)
SELECT h.version_at, h.state ->> 'state' AS state, h.state -> 'assignees' AS assignees, h.state ->> 'priority' AS priority,
       h.state ->> 'title' AS title, h."position"
FROM issues i
JOIN entity_history h ON h.tenant = i.tenant AND h.entity = 'issue' AND h.key = i.key
WHERE upper(i.identifier) = upper($1) AND h.state ? 'state'
ORDER BY h.version_at, h.rank, h."position"
