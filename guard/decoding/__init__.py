"""Constrained decoding: which tokens are forbidden next (token masks), backtracking, and beam search."""
