"""Encryption at rest: records sealed by AES-256-GCM under keys that an operator's key wraps."""
