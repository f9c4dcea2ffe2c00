"""Surrogates: invented names that stand for a target's own in a question, and its own put back into the answer."""
