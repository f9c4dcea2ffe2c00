"""Prometheus metrics and the verdict log; neither stores any text."""
