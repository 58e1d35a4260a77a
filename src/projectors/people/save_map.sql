-- What people say of who is who, and where in the log they said it.
INSERT INTO people_map ("position", map) VALUES ($1, $2)
