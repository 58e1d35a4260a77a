-- Review load
-- Who gives how much of the reviews, how soon, and how many are awaited of them?
SELECT reviewer, reviews_30_days, reviews, share_of_reviews, median_hours_to_review, awaited_now, longest_wait_hours
FROM review_load
ORDER BY reviews_30_days DESC, awaited_now DESC, reviewer
