"""Tries of byte strings as arrays: their fail links, and the layout of their nodes in memory as states."""
