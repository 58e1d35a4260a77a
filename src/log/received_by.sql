-- The last position received at or before $1. Every envelope of a batch has the batch's time, and times never go back.
SELECT through_position FROM log.batches WHERE received_at <= $1 ORDER BY through_position DESC LIMIT 1
