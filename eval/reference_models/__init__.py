"""Trains the small reference models (full and retained) that benchmarks compare with."""
