"""The attack sweep: prompts that try to make a guarded model say what it must forget."""
