-- Every delivery: the first of each event, and those that came again.
CREATE VIEW public.webhook_deliveries AS
SELECT d.id,
       d.source,
       d.delivery_id,
       d.event_type,
       d.status,
       1::bigint AS attempt,
       d.response_time_ms,
       d.retry_attempts,
       d.retry_reason,
       d.error,
       d.flags,
       d.verdict,
       d.secret_id,
       d.body_bytes,
       d.user_agent,
       d.received_at,
       d."position",
       d.tenant
FROM public.received_deliveries d
UNION ALL
-- Each is one row of one table, and what else is told of it is looked up, so that PostgreSQL finds one, and the newest, by index.
SELECT 'evt_' || replace(r.id::text, '-', ''),
       r.source,
       coalesce((SELECT d.delivery_id FROM public.received_deliveries d WHERE d.id = 'evt_' || replace(r.id::text, '-', '')), r.delivery_key),
       (SELECT d.event_type FROM public.received_deliveries d WHERE d.id = 'evt_' || replace(r.id::text, '-', '')),
       r.outcome,
       1 + (SELECT count(*) FROM log.redeliveries b WHERE b.id = r.id AND (b.received_at, b.ctid) <= (r.received_at, r.ctid)),
       greatest(extract(epoch FROM r.received_at - r.arrived_at) * 1000, 0)::double precision,
       (SELECT count(*) FROM log.redeliveries b WHERE b.id = r.id AND (b.received_at, b.ctid) <= (r.received_at, r.ctid))::integer,
       NULL,
       CASE r.outcome WHEN 'conflict' THEN 'the same delivery id came with another body; the first is kept' END,
       '{}'::text[],
       NULL,
       NULL,
       octet_length(r.body),
       NULL,
       r.received_at,
       (SELECT d."position" FROM public.received_deliveries d WHERE d.id = 'evt_' || replace(r.id::text, '-', '')),
       r.tenant
FROM log.redeliveries r;

COMMENT ON VIEW public.webhook_deliveries IS 'Every delivery attempt that proved authentic: how it came in, how long the answer took, and whether it was the first. What was not authentic is not stored, only counted in /metrics. One event is found at once by id, the newest by ORDER BY received_at DESC LIMIT; one delivery by WHERE id IN (SELECT id FROM received_deliveries WHERE delivery_id = …).';
COMMENT ON COLUMN public.webhook_deliveries.id IS 'The event that it brought; of a repeated delivery, the event that was there already.';
COMMENT ON COLUMN public.webhook_deliveries.delivery_id IS 'The sender''s own name of the delivery.';
COMMENT ON COLUMN public.webhook_deliveries.status IS 'accepted: the first; duplicate: the same again; conflict: the same id with another body.';
COMMENT ON COLUMN public.webhook_deliveries.attempt IS '1 for the first delivery, 2 and more for those that came again.';
COMMENT ON COLUMN public.webhook_deliveries.response_time_ms IS 'From the arrival of the request to its place in the log.';
COMMENT ON COLUMN public.webhook_deliveries.retry_attempts IS 'How often the sender had tried before: as it says (Slack), else as seen here.';
COMMENT ON COLUMN public.webhook_deliveries.error IS 'What was wrong with it: the body could not be read (empty, invalid, too_deep, not_object), or it conflicts.';
COMMENT ON COLUMN public.webhook_deliveries.flags IS 'late, key_derived, or suspect_replay (the same signed body under another delivery id; it is in no other table).';
COMMENT ON COLUMN public.webhook_deliveries.body_bytes IS 'Size of the body; NULL for duplicates, whose body is not kept twice.';
