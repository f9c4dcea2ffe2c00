"""Beside a plan: what must not be nearly said under it, and whether anything is enforced."""
