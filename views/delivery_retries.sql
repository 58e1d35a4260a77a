-- How often senders sent again, by day and source.
CREATE VIEW public.delivery_retries AS
SELECT w.tenant,
       (w.received_at AT TIME ZONE 'UTC')::date AS day,
       w.source,
       count(*) AS deliveries,
       count(*) FILTER (WHERE w.status = 'accepted') AS accepted,
       count(*) FILTER (WHERE w.status = 'duplicate') AS duplicates,
       count(*) FILTER (WHERE w.status = 'conflict') AS conflicts,
       count(*) FILTER (WHERE w.status = 'accepted' AND w.retry_attempts > 0) AS accepted_on_retry,
       round(count(*) FILTER (WHERE w.retry_attempts > 0) / count(*)::numeric, 4) AS retry_rate,
       max(w.retry_attempts) AS most_attempts
FROM public.webhook_deliveries w
GROUP BY 1, 2, 3;

COMMENT ON VIEW public.delivery_retries IS 'Deliveries per day (UTC) and source, and how many of them were sent again.';
COMMENT ON COLUMN public.delivery_retries.tenant IS 'Whose it is; "default" unless several tenants are configured.';
COMMENT ON COLUMN public.delivery_retries.day IS 'Day of receipt, UTC.';
COMMENT ON COLUMN public.delivery_retries.source IS 'Where they came in.';
COMMENT ON COLUMN public.delivery_retries.deliveries IS 'All authentic deliveries.';
COMMENT ON COLUMN public.delivery_retries.accepted IS 'Those that brought something new.';
COMMENT ON COLUMN public.delivery_retries.duplicates IS 'Those that brought what was there already.';
COMMENT ON COLUMN public.delivery_retries.conflicts IS 'Those with a known id and another body; the first is kept.';
COMMENT ON COLUMN public.delivery_retries.accepted_on_retry IS 'New ones that the sender had tried to deliver before.';
COMMENT ON COLUMN public.delivery_retries.retry_rate IS 'Deliveries that were not the sender''s first try, of all; from 0 to 1.';
COMMENT ON COLUMN public.delivery_retries.most_attempts IS 'The most tries before one delivery.';
