"""The nouns of an evaluation: prompt, runner, task, sample, cell, figure, provenance, errors."""
