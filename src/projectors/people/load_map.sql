-- What people said last of who is who.
SELECT m.map FROM people_map m ORDER BY m."position" DESC LIMIT 1
