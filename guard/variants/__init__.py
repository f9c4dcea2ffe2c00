"""Other ways to write a forbidden phrase: names in another order, parts of titles, edits, and values."""
