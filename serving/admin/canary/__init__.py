"""Canary shares over HTTP: what became of the requests of each side, and enforcing a target for all."""
