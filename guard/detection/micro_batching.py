"""Micro-batching: texts of many threads are encoded together, which costs far less than one by one."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

# Texts in a batch are padded to the longest; those that differ more in length are not batched together.
_MAX_LENGTH_RATIO = 2


@dataclass(slots=True, eq=False)
class _PendingText:
    text: str = field(repr=False)
    vector: Any = None
    error: BaseException | None = None

    @property
    def done(self) -> bool:
        return self.vector is not None or self.error is not None


class MicroBatcher:
    """Encodes texts of many threads in batches of at most `max_texts`, at most `concurrency` batches at a time.

    It has no thread of its own: a calling thread that finds a slot free encodes the text that has waited longest,
    with others of similar length.
    """

    def __init__(self, encode: Callable[[list[str]], Vectors], max_texts: int, concurrency: int) -> None:
        self._encode = encode
        self._max_texts = max_texts
        self._free_slots = concurrency
        self._queue: deque[_PendingText] = deque()
        self._changed = threading.Condition()

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return float32 [len(texts), dimension] of at least one text; raises what the encoder raised."""
        own = [_PendingText(text) for text in texts]
        with self._changed:
            self._queue.extend(own)
            while not all(pending.done for pending in own):
                if self._free_slots and self._queue:
                    self._encode_batch()
                else:
                    self._changed.wait()
        for pending in own:
            if pending.error is not None:
                raise pending.error
        return np.stack([pending.vector for pending in own])

    def _encode_batch(self) -> None:
        """Encode a batch; the caller holds the lock, which is released meanwhile."""
        batch = self._take_batch()
        self._free_slots -= 1
        self._changed.release()
        try:
            for pending, vector in zip(batch, self._encode([each.text for each in batch]), strict=True):
                pending.vector = vector
        except BaseException as error:
            # Every thread that waits for one of these texts must get the error, or it would wait forever.
            for pending in batch:
                pending.error = error
        finally:
            self._changed.acquire()
            self._free_slots += 1
            self._changed.notify_all()

    def _take_batch(self) -> list[_PendingText]:
        length = len(self._queue[0].text)
        similar = [
            w
            for w in self._queue
            if length <= _MAX_LENGTH_RATIO * len(w.text) and len(w.text) <= _MAX_LENGTH_RATIO * length
        ]
        batch = [self._queue[0], *(w for w in similar if w is not self._queue[0])][: self._max_texts]
        taken = set(map(id, batch))
        self._queue = deque(pending for pending in self._queue if id(pending) not in taken)
        return batch
