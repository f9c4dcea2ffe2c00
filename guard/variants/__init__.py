"""Other ways to write a forbidden phrase: names in another order, numbers, dates, parts of titles, edits."""
