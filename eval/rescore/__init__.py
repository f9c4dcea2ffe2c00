"""Recomputes the published metrics from the log files of other implementations."""
