"""Meaning: the vectors of targets, read from the registry or embedded, and the index of them in each policy."""
