"""What must be forgotten, which conversations touch it, and how it is suppressed while a model decodes."""
