"""Forget targets: their fields, the phrases that follow from them, and the database that stores them."""
