-- Every team that the events at the positions $1, or from one of $2 through its fellow of $3, name has a row; what it says is
-- settled afterwards.
INSERT INTO linear_teams (tenant, team_key, first_position)
SELECT named.tenant, named.team_key, min(named."position")
FROM (SELECT m.* FROM linear_team_mentions m WHERE m."position" = ANY ($1::bigint[])
      UNION ALL
      SELECT m.* FROM unnest($2::bigint[], $3::bigint[]) AS r (first, through)
      JOIN linear_team_mentions m ON m."position" BETWEEN r.first AND r.through) AS named
GROUP BY named.tenant, named.team_key
ON CONFLICT (tenant, team_key) DO NOTHING
