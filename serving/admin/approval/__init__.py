"""Approval over HTTP: changes of targets that wait for a second person, who approves or rejects them."""
