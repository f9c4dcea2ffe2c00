"""History: earlier revisions of active targets, what differs between two policy versions, and the way back."""
