"""Deobfuscation: what a text reads as once encodings, ciphers, other alphabets and layout are undone."""
