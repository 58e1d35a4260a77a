-- Tiles by their places.
SELECT t.level, t.index, t.hashes
FROM unnest($1::smallint[], $2::bigint[]) AS wanted (level, index)
JOIN log_tiles t ON t.level = wanted.level AND t.index = wanted.index
