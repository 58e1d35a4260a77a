-- Issues that came and went in each period, what was left open, and how long those took that were closed.
CREATE VIEW public.issue_flow AS
WITH facts AS (
    SELECT i.tenant, i.source, coalesce(i.team, i.repository) AS place, i.created_at AS at, 1 AS opened, 0 AS closed,
           NULL::numeric AS lead_hours, NULL::numeric AS work_hours
    FROM public.issues i WHERE i.created_at IS NOT NULL AND NOT i.is_deleted
    UNION ALL
    SELECT i.tenant, i.source, coalesce(i.team, i.repository), i.closed_at, 0, 1,
           hooklake.hours(i.created_at, i.closed_at), hooklake.hours(i.started_at, i.closed_at)
    FROM public.issues i WHERE i.created_at IS NOT NULL AND i.closed_at IS NOT NULL AND NOT i.is_open AND NOT i.is_deleted),
counted AS (
    SELECT f.tenant, f.source, f.place, p.period, date_trunc(p.period, f.at AT TIME ZONE 'UTC')::date AS period_start,
           sum(f.opened)::bigint AS opened, sum(f.closed)::bigint AS closed,
           round(percentile_cont(0.5) WITHIN GROUP (ORDER BY f.lead_hours)::numeric, 2) AS median_lead_hours,
           round(percentile_cont(0.5) WITHIN GROUP (ORDER BY f.work_hours)::numeric, 2) AS median_work_hours
    FROM facts f CROSS JOIN (VALUES ('day'), ('week'), ('month')) p (period)
    GROUP BY 1, 2, 3, 4, 5)
SELECT tenant,
       source,
       place,
       period,
       period_start,
       opened,
       closed,
       opened - closed AS net,
       sum(opened - closed) OVER (PARTITION BY tenant, source, place, period ORDER BY period_start)::bigint AS open_at_end,
       median_lead_hours,
       median_work_hours
FROM counted;

COMMENT ON VIEW public.issue_flow IS 'Issues opened and closed per Linear team or GitHub repository, by day, week and month (UTC), with how many stay open. Choose one period: WHERE period = ''week''. A period in which nothing came or went has no row.';
COMMENT ON COLUMN public.issue_flow.tenant IS 'Whose it is; "default" unless several tenants are configured.';
COMMENT ON COLUMN public.issue_flow.source IS 'linear or github.';
COMMENT ON COLUMN public.issue_flow.place IS 'Key of the Linear team (HEL), or owner/name of the repository.';
COMMENT ON COLUMN public.issue_flow.period IS 'day, week or month.';
COMMENT ON COLUMN public.issue_flow.period_start IS 'First day of the period, UTC; Monday for a week.';
COMMENT ON COLUMN public.issue_flow.opened IS 'Issues made in the period.';
COMMENT ON COLUMN public.issue_flow.closed IS 'Issues that were last closed, completed or cancelled in the period and are so still.';
COMMENT ON COLUMN public.issue_flow.net IS 'opened - closed.';
COMMENT ON COLUMN public.issue_flow.open_at_end IS 'Issues open at the end of the period, of those that events have told of.';
COMMENT ON COLUMN public.issue_flow.median_lead_hours IS 'Of those closed in the period: hours from being made to being closed, median.';
COMMENT ON COLUMN public.issue_flow.median_work_hours IS 'The same from when work began (Linear only); NULL when that is not known of any.';
