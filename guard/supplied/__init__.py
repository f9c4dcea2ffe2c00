"""Supplied text: what the caller's own words say of a target, which an answer may repeat."""
