-- Linear teams, as first named; a name that was not known yet is added.
INSERT INTO linear_teams (tenant, team_key, team_name, first_position)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[])
ON CONFLICT (tenant, team_key) DO UPDATE SET team_name = coalesce(linear_teams.team_name, excluded.team_name)
