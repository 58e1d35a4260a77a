-- Every Linear team as the events that are left name it: first position, and the first name that any gives; a team that
-- none names any more goes.
WITH named AS (
    SELECT t.tenant, t.team_key, first."position" AS first_position, name.team_name
    FROM linear_teams t
    LEFT JOIN LATERAL (
        SELECT m."position" FROM linear_team_mentions m WHERE m.tenant = t.tenant AND m.team_key = t.team_key
        ORDER BY m."position" LIMIT 1) AS first ON true
    LEFT JOIN LATERAL (
        SELECT m.team_name FROM linear_team_mentions m WHERE m.tenant = t.tenant AND m.team_key = t.team_key AND m.team_name IS NOT NULL
        ORDER BY m."position" LIMIT 1) AS name ON true),
gone AS (
    DELETE FROM linear_teams t USING named n
    WHERE t.tenant = n.tenant AND t.team_key = n.team_key AND n.first_position IS NULL)
UPDATE linear_teams t SET first_position = n.first_position, team_name = n.team_name
FROM named n
WHERE t.tenant = n.tenant AND t.team_key = n.team_key AND n.first_position IS NOT NULL
  AND (t.first_position, t.team_name) IS DISTINCT FROM (n.first_position, n.team_name)
