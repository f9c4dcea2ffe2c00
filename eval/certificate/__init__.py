"""Signed certificates of what an endpoint was asked about a target and did not say."""
