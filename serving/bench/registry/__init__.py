"""What the registry costs: encryption, many targets on PostgreSQL for two servers, and policy sets."""
