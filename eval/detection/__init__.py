"""Measures the detector: recall, false positives, calibration, latency."""
