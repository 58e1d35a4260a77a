-- The ends of everything that must end together, in one snapshot.
SELECT h.position, CASE WHEN h.position > 0 THEN h.received_at END AS received_at, h.chain,
       (SELECT max(b.through_position) FROM log.batches b) AS batches_end,
       (SELECT e.position FROM log.envelopes e ORDER BY e.position DESC LIMIT 1) AS envelopes_end,
       (SELECT c.position FROM hooklake.consumers c WHERE c.name = 'log_tree') AS tree_end
FROM log.head h
