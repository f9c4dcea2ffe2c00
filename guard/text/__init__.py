"""Reading text: Unicode folding, words, common English, JSON escapes, deobfuscation, conversation windows."""
