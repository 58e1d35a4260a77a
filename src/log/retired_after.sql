-- How many partitions that reach beyond position $1 were retired.
SELECT count(*) FROM log.retired WHERE through_position > $1
