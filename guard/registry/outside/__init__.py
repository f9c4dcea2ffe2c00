"""What the registry keeps for the world outside: how far webhooks were told, and cases with their dates."""
