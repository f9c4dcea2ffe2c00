"""Evaluates the agents: a small agent model, its training dialogues, accuracy, cost and audit thresholds."""
