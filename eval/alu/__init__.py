"""Evaluates the agents: a small agents model, its training dialogues, accuracy, cost and audit thresholds."""
