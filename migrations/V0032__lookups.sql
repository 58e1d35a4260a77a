-- What views look up one thing by, as in V0026__views.sql: the runs of a check, what was said in a channel and on a day, what was
-- asked lately, and every attempt of a delivery.

SET LOCAL search_path = projections, public;

CREATE INDEX github_events_check ON github_events (repository_full_name, check_name) WHERE check_name IS NOT NULL;
CREATE INDEX slack_messages_day ON slack_messages (((created_at AT TIME ZONE 'UTC')::date), channel_id);
CREATE INDEX slack_messages_asked_at ON slack_messages (created_at);
CREATE INDEX slack_messages_subject ON slack_messages (subject);
CREATE INDEX slack_reactions_reacted_at ON slack_reactions (channel_id, reacted_at);
CREATE INDEX slack_reactions_day ON slack_reactions (((reacted_at AT TIME ZONE 'UTC')::date), channel_id);
CREATE INDEX issues_created_at ON issues (created_at);
CREATE INDEX comments_subject ON comments (subject);
CREATE INDEX received_deliveries_delivery_id ON received_deliveries USING hash (delivery_id);
CREATE INDEX redeliveries_event_id ON log.redeliveries (('evt_' || replace(id::text, '-', '')));
CREATE INDEX redeliveries_received_at ON log.redeliveries (received_at);
