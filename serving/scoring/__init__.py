"""Scores given answers on the serving engine by teacher forcing, for evaluation."""
