-- True on a database that was migrated.
SELECT to_regclass('log.head') IS NOT NULL AND to_regclass('hooklake.consumers') IS NOT NULL
