"""Measures supplied text: whether answers about what the caller says stay as they are, and nothing else leaks."""
