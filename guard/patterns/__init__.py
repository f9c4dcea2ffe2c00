"""Listed values, and whole classes of values of a known form: checked, and forbidden in all their forms."""
