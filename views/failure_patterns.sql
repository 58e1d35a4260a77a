-- What goes wrong, grouped by what it is.
CREATE VIEW public.failure_patterns AS
WITH failures AS (
    SELECT d.tenant, d.source, d.event_type, 'body' AS stage, d.error AS reason, d.received_at AS at, d.id
    FROM public.received_deliveries d WHERE d.error IS NOT NULL
    UNION ALL
    SELECT s.tenant, s.platform, s.event_type, 'parked by ' || by, NULL, coalesce(s.parked_at, s.received_at), s.event_id
    FROM public.event_processing_status s, unnest(s.parked_by) by
    UNION ALL
    SELECT v.tenant, v.source, v.event_type, 'validation', v.rule, v.received_at, v.id
    FROM public.event_validations v WHERE NOT v.valid
    UNION ALL
    SELECT w.tenant, w.source, w.event_type, 'delivery', w.status, w.received_at, w.id
    FROM public.webhook_deliveries w WHERE w.status = 'conflict')
SELECT tenant,
       source,
       event_type,
       stage,
       reason,
       count(*) AS failures,
       min(at) AS first_at,
       max(at) AS last_at,
       (array_agg(id ORDER BY at DESC, id DESC))[1] AS for_example
FROM failures
GROUP BY 1, 2, 3, 4, 5;

COMMENT ON VIEW public.failure_patterns IS 'What goes wrong with events and how often, one row per source, type, stage and reason. Nothing of it is lost: such events are stored all the same.';
COMMENT ON COLUMN public.failure_patterns.tenant IS 'Whose it is; "default" unless several tenants are configured.';
COMMENT ON COLUMN public.failure_patterns.source IS 'Where the events came in.';
COMMENT ON COLUMN public.failure_patterns.event_type IS 'Type as the source names it.';
COMMENT ON COLUMN public.failure_patterns.stage IS 'body (it cannot be read), delivery (the same id came with another body), validation (it is not as its schema says), or parked by and the consumer that set it aside.';
COMMENT ON COLUMN public.failure_patterns.reason IS 'empty, invalid, too_deep, not_object; conflict; the rule of a validation. NULL for parked ones, whose words are in event_processing_status.';
COMMENT ON COLUMN public.failure_patterns.failures IS 'How many.';
COMMENT ON COLUMN public.failure_patterns.first_at IS 'When the first one came.';
COMMENT ON COLUMN public.failure_patterns.last_at IS 'When the last one came.';
COMMENT ON COLUMN public.failure_patterns.for_example IS 'The newest of these events, evt_….';
