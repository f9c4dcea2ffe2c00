"""Environment variables of workers whose policy folder is their own, see `guard.workers.fetching`."""

POLICY_URL_ENV = "LETHE_POLICY_URL"
"""Comma-separated base URLs of the servers' policy planes."""
POLICY_TOKEN_ENV = "LETHE_POLICY_TOKEN"
"""The token that they ask for."""
