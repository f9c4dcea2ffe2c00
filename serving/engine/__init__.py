"""The vLLM engine: embedded or remote, supervised, and self-tested with a canary before anybody is served."""
