"""The registry: the database that stores forget targets, their audit trail and the policy version."""
