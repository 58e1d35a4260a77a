-- What every successful deployment brought: when it began and ended, and when its commit landed on which branch.
CREATE VIEW public.deployed_commits AS
SELECT d.tenant, d.subject, d.repository, d.environment, d.is_production, d.commit_sha, d.began_at, d.finished_at, d.branch, d.landed_at
FROM public.deployment_commits d
-- In coalesce for the reason that deployment_ends has.
WHERE coalesce(d.outcome = 'success', false);

COMMENT ON VIEW public.deployed_commits IS 'Every deployment that ended in success (deployment_outcomes), with the commit that it brought and when that had landed on its branch. A merged pull request is in what landed on its branches when it did or later (pull_request_landings): workflows.deployed_at is made of this. Those of one repository are found at once by lower(repository), the newest by finished_at.';
COMMENT ON COLUMN public.deployed_commits.subject IS 'deployment:<id>; with environment it is one of deployments.';
COMMENT ON COLUMN public.deployed_commits.repository IS 'owner/name.';
COMMENT ON COLUMN public.deployed_commits.is_production IS 'True when GitHub says that the environment is one of production, or its name has the word prod, production or live, but not pre-prod or non-live.';
COMMENT ON COLUMN public.deployed_commits.began_at IS 'When it began, as its source says, or else when it was first told of; never later than finished_at.';
COMMENT ON COLUMN public.deployed_commits.finished_at IS 'When it succeeded, as its source says, or else when that was received.';
COMMENT ON COLUMN public.deployed_commits.branch IS 'The branch that its commit landed on; NULL when the commit is unknown, or was pushed to another branch than the default one only.';
COMMENT ON COLUMN public.deployed_commits.landed_at IS 'When the pull request was merged that made the commit, or when the commit was made that was pushed without one.';
