-- One round trip for a whole batch; log.append (V0001) does the rest in one transaction.
SELECT ordinal, outcome, event_id, log_position, log_received_at
FROM log.append($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::timestamptz[], $8::text[],
                $9::bytea[], $10::bytea[], $11::bytea[], $12::bytea[], $13::text[], $14::text[], $15::text[])
