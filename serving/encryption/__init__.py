"""Encryption at rest of a server: its settings, its folders in memory, and the sealed copies of their files."""
