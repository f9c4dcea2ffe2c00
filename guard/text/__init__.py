"""Reading text: Unicode folding, words, languages and their common words, JSON escapes, conversation windows."""
