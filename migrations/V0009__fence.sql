-- A checkpoint carries the chain hash of the batch that holds its position (decision 0011), so that a consumer notices
-- when the log under it was restored to an older state and went on differently.

ALTER TABLE hooklake.consumers ADD COLUMN fence bytea;
COMMENT ON COLUMN hooklake.consumers.fence IS 'The log''s chain hash at the checkpoint; NULL until the consumer is next opened.';
