-- What came again, with the envelope that came first.
SELECT e.position, r.delivery_key, r.headers::text, r.body
FROM log.redeliveries r
LEFT JOIN log.envelopes e ON e.id = r.id
