-- The entities that were remembered, for the last time.
DELETE FROM hooklake.unsettled_entities RETURNING entity, tenant, key
