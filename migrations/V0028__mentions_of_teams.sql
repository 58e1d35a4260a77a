-- A name that another event must explain may be given by what only looks like an identifier: UTF-8 in the address of what is
-- attached. As with links, it counts once the team is known. The raised version of the rules fills it at the next start.

ALTER TABLE projections.alias_mentions ADD COLUMN team_key text;
COMMENT ON COLUMN projections.alias_mentions.team_key IS 'Where subject is a Linear identifier: the team that must exist (linear_teams) for it to be an issue.';
