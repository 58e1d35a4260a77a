-- Every tenant that has accounts.
SELECT DISTINCT c.tenant FROM person_claims c
