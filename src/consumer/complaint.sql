-- Why a consumer stands still, if it does.
SELECT error FROM hooklake.consumers WHERE name = $1
