"""Texts of many threads, encoded together: a batch costs far less than its texts one by one."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

# A text this many times as long as another is not padded to its length.
_ALIKE = 2


@dataclass(slots=True, eq=False)
class _Waiting:
    text: str = field(repr=False)
    vector: Any = None
    error: BaseException | None = None

    @property
    def done(self) -> bool:
        return self.vector is not None or self.error is not None


class Gathering:
    """Encodes what threads ask for in batches of at most `most` texts, at most `places` batches at a time.

    It has no thread of its own: whoever finds a place free encodes the text that has waited longest, with others
    of like length.
    """

    def __init__(self, encode: Callable[[list[str]], Vectors], most: int, places: int) -> None:
        self._encode = encode
        self._most = most
        self._free = places
        self._queue: deque[_Waiting] = deque()
        self._changed = threading.Condition()

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return float32 [len(texts), dimension] of at least one text; raises what the encoder raised."""
        mine = [_Waiting(text) for text in texts]
        with self._changed:
            self._queue.extend(mine)
            while not all(waiting.done for waiting in mine):
                if self._free and self._queue:
                    self._lead()
                else:
                    self._changed.wait()
        for waiting in mine:
            if waiting.error is not None:
                raise waiting.error
        return np.stack([waiting.vector for waiting in mine])

    def _lead(self) -> None:
        """Encode a batch; the lock is held before and after, and not meanwhile."""
        batch = self._taken()
        self._free -= 1
        self._changed.release()
        try:
            for waiting, vector in zip(batch, self._encode([each.text for each in batch]), strict=True):
                waiting.vector = vector
        except BaseException as error:
            # Whoever waits for one of these texts must hear of it, or would wait for ever.
            for waiting in batch:
                waiting.error = error
        finally:
            self._changed.acquire()
            self._free += 1
            self._changed.notify_all()

    def _taken(self) -> list[_Waiting]:
        length = len(self._queue[0].text)
        alike = [w for w in self._queue if length <= _ALIKE * len(w.text) and len(w.text) <= _ALIKE * length]
        batch = [self._queue[0], *(w for w in alike if w is not self._queue[0])][: self._most]
        taken = set(map(id, batch))
        self._queue = deque(waiting for waiting in self._queue if id(waiting) not in taken)
        return batch
