"""Measures membership: what an outsider can learn from answers about who is on the list of forget targets."""
