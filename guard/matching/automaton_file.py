"""The file of a compiled automaton, which servers and workers map: a header, and its arrays, with a checksum."""

from __future__ import annotations

import mmap
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from guard.errors import PolicyUnavailable
from guard.files import atomic_file
from guard.matching.table import Table

MAGIC = b"LETHEAC2"
# Layout of a file: magic and CRC-32; digest and number of tables; a description of each; padding; the arrays of
# each, aligned.
_FILE_HEADER = struct.Struct("<8sI64sI")
_CHECKED_FROM = 12
_DESCRIPTION = struct.Struct("<QII256s")
_BODY_OFFSET = 768
_ALIGNMENT_BYTES = 64


def path_of(folder: Path, digest: str) -> Path:
    """Return where `folder` keeps the automaton of this digest."""
    return folder / f"{digest}.automaton"


def write(folder: Path, digest: str, tables: Sequence[Table]) -> Path:
    """Write the file atomically and return its path; raises PolicyUnavailable when it cannot be written.

    It contains the phrases, so only its owner may read it.
    """
    path = path_of(folder, digest)
    try:
        # Durable: after a power cut, a million phrases are mapped again and not compiled again.
        with atomic_file(path, durable=True, private=True) as file:
            file.writelines(_parts(digest, tables))
    except OSError as error:
        raise PolicyUnavailable("a compiled policy file cannot be written") from error
    return path


def read(folder: Path, digest: str) -> list[Table]:
    """Map the file of this digest; nothing is copied.

    Raises PolicyUnavailable when it is missing, incomplete, or not what its name says.
    """
    try:
        with path_of(folder, digest).open("rb") as file:
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return _read(memoryview(content), digest)
    except (OSError, ValueError, struct.error) as error:
        raise PolicyUnavailable("a compiled policy file is missing or damaged") from error


def _parts(digest: str, tables: Sequence[Table]) -> Iterator[bytes | memoryview]:
    descriptions = b"".join(
        _DESCRIPTION.pack(len(one.table), one.table.shape[1], len(one.late), one.symbols) for one in tables
    )
    header = _FILE_HEADER.pack(MAGIC, 0, digest.encode(), len(tables))[_CHECKED_FROM:] + descriptions
    parts: list[bytes | memoryview] = [header, b"\0" * (_BODY_OFFSET - _CHECKED_FROM - len(header))]
    for one in tables:
        for array in (one.table, one.depth, one.accepting, one.phrase, one.link, one.late):
            parts += [array.reshape(-1).view(np.uint8).data, b"\0" * (-array.nbytes % _ALIGNMENT_BYTES)]
    checksum = 0
    for part in parts:
        checksum = zlib.crc32(part, checksum)
    yield _FILE_HEADER.pack(MAGIC, checksum, b"", 0)[:_CHECKED_FROM]
    yield from parts


def _read(content: memoryview, digest: str) -> list[Table]:
    magic, checksum, name, count = _FILE_HEADER.unpack_from(content)
    if magic != MAGIC or name != digest.encode() or zlib.crc32(content[_CHECKED_FROM:]) != checksum:
        raise ValueError("not the automaton of this digest")
    position = _BODY_OFFSET

    def array(dtype: type[np.generic], length: int) -> NDArray[Any]:
        nonlocal position
        part = np.frombuffer(content, dtype, length, position)
        position += part.nbytes + -part.nbytes % _ALIGNMENT_BYTES
        return part

    tables = []
    for number in range(count):
        described = _DESCRIPTION.unpack_from(content, _FILE_HEADER.size + number * _DESCRIPTION.size)
        states, width, late, symbols = described
        table = array(np.int32, states * width).reshape(states, width)
        depth, accepting = array(np.int16, states), array(np.bool_, states)
        phrase, link = array(np.int32, states), array(np.int32, states)
        tables.append(Table(symbols, table, depth, accepting, phrase, link, array(np.int32, late)))
    if position != len(content):
        raise ValueError("trailing bytes")
    return tables
