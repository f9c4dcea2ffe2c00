"""The pages of the desk, a function each, with a template of the same name."""
