"""Extraction: which words of a fact or passage tell what must be forgotten, of which kind they are, and why."""
