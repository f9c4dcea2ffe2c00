"""Approval: changes of targets that one person proposes, and that come into force when a second one approves."""
