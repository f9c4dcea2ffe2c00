"""Forget targets: their fields, and the phrases that follow from them."""
