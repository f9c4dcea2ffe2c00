"""The methods under evaluation, and what each needs: a detector gate, extra models."""
