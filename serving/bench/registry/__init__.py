"""What the registry costs: the bench of its encryption."""
