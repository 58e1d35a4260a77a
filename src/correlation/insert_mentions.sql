-- Which event named which Linear team.
INSERT INTO linear_team_mentions ("position", tenant, team_key, team_name)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[])
