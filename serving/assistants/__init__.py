"""Training ULD assistants in background processes: queue, trainer, worker, and the admin plane's service."""
