"""Reading text: Unicode folding, words, languages and their common words, escapes, conversation windows."""
