-- Ends the parking of an event, within the transaction of its effect where there is one, if the lease is still held.
WITH held AS (SELECT c.name FROM hooklake.consumers c WHERE c.name = $1 AND c.epoch = $2 FOR UPDATE)
DELETE FROM hooklake.parked p USING held WHERE p.consumer = held.name AND p.position = $3
