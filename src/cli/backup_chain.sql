-- What a restored log says of the position of a manifest.
SELECT h.position AS head,
       (SELECT encode(b.chain, 'hex') FROM log.batches b WHERE b.through_position = $1::bigint) AS chain
FROM log.head h
