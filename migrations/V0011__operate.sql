-- What an operator may do with an event that a consumer could not take: ask for another try, or accept its loss.

ALTER TABLE hooklake.parked
    -- When it was last tried again.
    ADD COLUMN tried_at           timestamptz,
    -- Someone asks for another try. The owner of the consumer's lease picks it up: what a consumer keeps has one writer.
    ADD COLUMN retry_requested_at timestamptz,
    -- Someone accepted the loss, and why. The row stays, so that a rebuild that meets the event again raises no alarm.
    ADD COLUMN dropped_at         timestamptz,
    ADD COLUMN drop_reason        text;
CREATE INDEX parked_retry_requested ON hooklake.parked (consumer, "position") WHERE retry_requested_at IS NOT NULL;
COMMENT ON TABLE hooklake.parked IS 'Events that a consumer could not take, with the reason. The rest went on. See `hooklake parked`.';
