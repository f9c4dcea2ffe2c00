"""Measures extraction: recall and precision of phrases against labelled facts in 15 languages."""
