"""Measures elicitation: whether a bare name, elicited, forbids what the facts of a benchmark would."""
