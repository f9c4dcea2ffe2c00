"""Canary shares: for which conversations targets in shadow are enforced, and what of them is compiled for that."""
