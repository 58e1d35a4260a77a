-- The rules that were set or removed up to the batch at hand.
SELECT tenant, name, source, event_type, schema, since_position FROM validation_rules
