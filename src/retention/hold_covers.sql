-- Whether anything in the log is of this tenant and source, from one position through another; NULL for any.
SELECT EXISTS (
    SELECT FROM log.envelopes
    WHERE tenant = coalesce($1::text, tenant) AND source = coalesce($2::text, source)
      AND "position" >= coalesce($3::bigint, 1) AND "position" <= coalesce($4::bigint, "position"))
