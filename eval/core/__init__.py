"""The nouns of an evaluation: task, request, sample, provenance, errors."""
