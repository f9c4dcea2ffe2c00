"""Ablations behind design decisions: strategies that avoid a forbidden phrase."""
