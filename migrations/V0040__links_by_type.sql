-- Links are looked up by what they name and by their type. Without the type PostgreSQL reads all of a rare type for each thing that it
-- looks up, to have both.
CREATE INDEX event_correlations_subject_type ON projections.event_correlations (lower(subject), tenant, correlation_type);
CREATE INDEX event_correlations_related_type ON projections.event_correlations (lower(related_subject), tenant, correlation_type);
DROP INDEX projections.event_correlations_subject, projections.event_correlations_related;
-- What is known of how frequent a name is goes with an index; until it is gathered anew each is taken for one in two hundred.
ANALYZE projections.event_correlations;
