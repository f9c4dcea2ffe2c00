"""ASGI types, an in-process ASGI client, server-sent events, and access timing."""
