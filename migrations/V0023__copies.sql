-- What a copy still reads is not retired under it, whichever copy it is: name@rebuild, or name@as-of. Otherwise as in
-- V0008__retention.sql.

CREATE OR REPLACE FUNCTION log.retire(partition_name text, consumers text[], redelivery_days integer)
RETURNS TABLE (first_position bigint, through_position bigint)
LANGUAGE plpgsql SET search_path = pg_catalog, log SET lock_timeout = '200ms' AS $$
#variable_conflict use_column
DECLARE
    part    log.partitions;
    first   bigint;
    last    bigint;
    refused text;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtext('log.holds'));
    SELECT * INTO STRICT part FROM log.partitions p WHERE p.name = partition_name;
    IF part.received_until + make_interval(days => redelivery_days) > clock_timestamp() THEN
        RAISE EXCEPTION USING ERRCODE = 'HL004', MESSAGE =
            format('%s ends less than %s days ago, and its deliveries may come again', partition_name, redelivery_days);
    END IF;
    EXECUTE format('SELECT min(position), max(position) FROM log.%I', partition_name) INTO first, last;
    IF last IS NULL THEN
        RETURN;
    END IF;
    refused := log.held_partition(partition_name);
    IF refused IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'HL001', MESSAGE = refused;
    END IF;
    SELECT format('%s stands at position %s and has not seen all of %s', c.name, c.position, partition_name) INTO refused
    FROM hooklake.consumers c
    WHERE c.position < last AND (c.name = ANY (consumers) OR (c.name ~ '@' AND c.lease_until > clock_timestamp()))
    ORDER BY c.position LIMIT 1;
    IF refused IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'HL003', MESSAGE = refused;
    END IF;
    INSERT INTO log.retired (partition, first_position, through_position, received_from, received_until)
    VALUES (partition_name, first, last, part.received_from, part.received_until);
    RETURN QUERY SELECT first, last;
END $$;
