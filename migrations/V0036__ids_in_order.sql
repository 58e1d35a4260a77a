-- An event's id begins with its time, so that an ordered index takes each at its end. A hash index takes each in another
-- page, of which the first change after a checkpoint writes the whole page to the WAL: with two million events, eight
-- times as much WAL an event and seven times the time (docs/decisions/0033).

SET LOCAL maintenance_work_mem = '128MB';

DO $$
DECLARE
    projection text;
BEGIN
    FOREACH projection IN ARRAY ARRAY['events', 'github_events', 'linear_events', 'slack_events', 'deployment_events',
                                      'received_deliveries', 'event_subjects', 'event_validations'] LOOP
        EXECUTE format('DROP INDEX projections.%I', projection || '_id');
        EXECUTE format('CREATE INDEX %I ON projections.%I (id)', projection || '_id', projection);
    END LOOP;
END
$$;
