"""Edit distance of a secret to the part of a text that is most like it."""

from __future__ import annotations

from guard.text.normalise import fold


def edits_to_nearest_part(secret: str, text: str) -> int:
    """Return the fewest characters replaced, added or left out that make some part of `text` the secret, both
    folded (Sellers' algorithm)."""
    sought, row = fold(secret), list(range(len(fold(secret)) + 1))
    fewest = row[-1]
    for char in fold(text):
        # A part may begin anywhere at no cost.
        diagonal, row[0] = row[0], 0
        for place, wanted in enumerate(sought, start=1):
            replaced = diagonal + (char != wanted)
            diagonal = row[place]
            row[place] = min(replaced, diagonal + 1, row[place - 1] + 1)
        fewest = min(fewest, row[-1])
    return fewest
