"""The numbered policy snapshot in force, the compiler of the next one, and the plan for one conversation."""
