-- Whether a position lies in a partition whose time was up.
SELECT EXISTS (SELECT FROM log.retired r WHERE $1 BETWEEN r.first_position AND r.through_position)
