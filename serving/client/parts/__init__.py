"""Parts of both clients that are about keys alone."""
