"""Measures forgetting of what a real model knows by itself: works, places and people, at a running server."""
