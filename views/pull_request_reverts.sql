-- What takes each pull request back: by its number, or by the commit that it became. Looked up by index from the one pull request.
CREATE VIEW public.pull_request_reverts AS
SELECT p.tenant, p.key, q.key AS revert_key, q.subject AS reverted_by, q.merged_at AS reverted_at,
       EXISTS (SELECT FROM public.known_links b
               JOIN public.pull_requests z ON z.tenant = b.tenant AND lower(z.subject) = lower(b.subject)
               WHERE b.tenant = p.tenant AND lower(b.related_subject) = ANY (ARRAY[lower(q.subject), lower('commit:' || q.merge_commit_sha)])
                 AND b.correlation_type IN ('pr_reverts_pr', 'pr_reverts_commit') AND z.is_merged
               OFFSET 0) AS is_taken_back
FROM public.pull_requests p
CROSS JOIN LATERAL (
    SELECT DISTINCT lower(k.subject) AS subject FROM public.known_links k
    WHERE k.tenant = p.tenant AND lower(k.related_subject) = ANY (ARRAY[lower(p.subject), lower('commit:' || p.merge_commit_sha)])
      AND k.correlation_type IN ('pr_reverts_pr', 'pr_reverts_commit') OFFSET 0) AS k
CROSS JOIN LATERAL (
    SELECT q.key, q.subject, q.merged_at, q.merge_commit_sha FROM public.pull_requests q
    WHERE q.tenant = p.tenant AND lower(q.subject) = k.subject ORDER BY q.version_at DESC LIMIT 1) AS q;

COMMENT ON VIEW public.pull_request_reverts IS 'The pull requests that take others back, one row per pair, merged or not. workflows and deployment_outcomes have it from here; those of one pull request are found at once by key.';
COMMENT ON COLUMN public.pull_request_reverts.key IS 'pull_requests.key of what is taken back.';
COMMENT ON COLUMN public.pull_request_reverts.revert_key IS 'pull_requests.key of what takes it back.';
COMMENT ON COLUMN public.pull_request_reverts.reverted_by IS 'The subject of that: github:owner/name#42.';
COMMENT ON COLUMN public.pull_request_reverts.reverted_at IS 'When that was merged; NULL while it is not.';
COMMENT ON COLUMN public.pull_request_reverts.is_taken_back IS 'True when that was taken back itself, by a pull request that was merged.';
