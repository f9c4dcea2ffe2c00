"""Reading text: Unicode folding, words, common English, JSON escapes, conversation windows."""
