"""The detector: which forget targets does a conversation touch, by name and by meaning?"""
