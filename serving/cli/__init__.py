"""The `lethe` command and its sub-commands about serving."""
