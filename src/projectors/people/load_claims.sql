-- What is claimed of the accounts of a tenant.
SELECT c.identity, c.kind, c.value, c."position" FROM person_claims c WHERE c.tenant = $1
