"""What a row stores of a target's texts: the texts as they are, or sealed under a key of the target's own."""
