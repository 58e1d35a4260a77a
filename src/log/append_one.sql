-- One envelope of hooklake's own, in the transaction of what it tells about: log.append takes the log's lock last and
-- holds it until COMMIT, so this comes last in that transaction.
SELECT event_id, log_position
FROM log.append(ARRAY[$1::uuid], ARRAY[$2::text], ARRAY['hooklake'], ARRAY[$3::text], ARRAY[NULL::bigint], ARRAY[$4::text],
                ARRAY[$5::timestamptz], ARRAY[$6::text], ARRAY[$7::bytea], ARRAY[$8::bytea], ARRAY[$9::bytea],
                ARRAY[$10::bytea], ARRAY['authorized'], ARRAY[NULL::text], ARRAY[''])
