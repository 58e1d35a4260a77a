-- Tiles by their places, from the tree that readers see: for a rebuild, of envelopes that retention dropped.
SELECT t.level, t.index, t.hashes
FROM unnest($1::smallint[], $2::bigint[]) AS wanted (level, index)
JOIN projections.log_tiles t ON t.level = wanted.level AND t.index = wanted.index
