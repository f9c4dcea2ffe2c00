"""Reading text: Unicode folding, words, common English, word frequencies, languages, JSON escapes, conversation windows."""
