"""Runs tasks under methods, resumably, and stores every sample."""
