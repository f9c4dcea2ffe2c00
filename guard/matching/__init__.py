"""Forbidden phrases as Aho-Corasick automata, streaming matchers over them, and the policy folder's files."""
