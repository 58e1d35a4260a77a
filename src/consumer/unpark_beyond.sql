-- Takes back what a consumer had set aside beyond where it stands ($2): it comes to these events again, and may take them.
DELETE FROM hooklake.parked WHERE consumer = $1 AND position > $2
