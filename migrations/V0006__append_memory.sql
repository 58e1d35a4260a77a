-- The arrays of a batch are set down once inside log.append; beyond work_mem they went to a temporary file.
ALTER FUNCTION log.append SET work_mem = '64MB';
