-- What became of each event after it was stored, with the reason where a consumer set it aside.
CREATE VIEW public.event_processing_status AS
WITH parked AS (
    SELECT "position", event_id, array_agg(consumer ORDER BY consumer) AS consumers,
           string_agg(consumer || ': ' || reason, E'\n' ORDER BY consumer) AS reasons, max(parked_at) AS parked_at
    FROM hooklake.parked
    WHERE consumer !~ '@'
    GROUP BY 1, 2)
SELECT e.id AS event_id,
       e.platform,
       e.event_type,
       CASE WHEN p."position" IS NULL THEN e.status ELSE 'parked' END AS status,
       e.received_at,
       e.processed_at,
       p.consumers AS parked_by,
       p.reasons AS parked_reason,
       p.parked_at,
       e."position",
       e.tenant
FROM public.events e
LEFT JOIN parked p ON p."position" = e."position"
UNION ALL
-- Set aside by the table of events itself, so not in it.
SELECT p.event_id, d.source, d.event_type, 'parked', d.received_at, NULL, p.consumers, p.reasons, p.parked_at,
       p."position", d.tenant
FROM parked p
LEFT JOIN public.received_deliveries d ON d."position" = p."position"
WHERE NOT EXISTS (SELECT FROM public.events e WHERE e."position" = p."position");

COMMENT ON VIEW public.event_processing_status IS 'One row per event: processed, or parked (a consumer could not take it and went on without it).';
COMMENT ON COLUMN public.event_processing_status.status IS 'processed or parked.';
COMMENT ON COLUMN public.event_processing_status.parked_by IS 'The consumers that set it aside; NULL when none did.';
COMMENT ON COLUMN public.event_processing_status.parked_reason IS 'What each of them said.';
