-- The validation rules that a tenant set or removed, by name.
SELECT name, source, event_type, schema, error, since_position
FROM validation_rules
WHERE tenant = $1
ORDER BY name
