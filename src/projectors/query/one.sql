-- One event by its name.
SELECT * FROM events WHERE tenant = $1 AND id = $2
