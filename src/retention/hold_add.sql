-- Places a legal hold.
INSERT INTO log.holds (reason, placed_by, tenant, source, from_position, to_position) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id
