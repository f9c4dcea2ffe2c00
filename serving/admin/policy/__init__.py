"""Policy versions over HTTP: what differs from one to another, and the way back to an earlier one."""
