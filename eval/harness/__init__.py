"""Runs tasks over methods, resumable, and stores every sample."""
