"""Approval: a change of a target that a caller asks for is made at once, or waits for a second person."""
