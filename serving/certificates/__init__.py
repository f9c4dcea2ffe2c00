"""Certificates that a server issues: a process of its own measures and signs, the data folder keeps them."""
