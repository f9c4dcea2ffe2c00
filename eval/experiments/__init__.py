"""Ablations that support a design decision: strategies that avoid a forbidden phrase."""
