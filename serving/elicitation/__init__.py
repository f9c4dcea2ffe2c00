"""Elicitation: asks the served model, unrestricted, what it would say of a target, and proposes it for review."""
