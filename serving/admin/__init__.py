"""The admin plane: REST routes for forget targets, assistants, verdicts, audit log and health."""
