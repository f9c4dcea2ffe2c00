"""Evaluates ULD assistants: the sweep over strengths and the similarity gate."""
