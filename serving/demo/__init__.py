"""The small demo model that is trained on the first start, its corpus and its fictitious people."""
