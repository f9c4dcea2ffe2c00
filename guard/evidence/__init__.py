"""Evidence: which words of a target tell whom a text is about, how surely, and which of them no answer may say."""
