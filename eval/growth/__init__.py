"""Measures utility and latency while a policy grows: scalability and sustainability."""
