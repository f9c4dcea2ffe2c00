"""The file of a compiled automaton, which servers and workers map: a header, and its arrays, with a checksum."""

from __future__ import annotations

import hashlib
import mmap
import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from guard.errors import PolicyUnavailable
from guard.files import atomic_file
from guard.matching.patterns import PatternSets
from guard.matching.table import Table

MAGIC = b"LETHEAC4"
# Layout of a file: magic and CRC-32; digest and number of tables; a description of each; padding; the arrays of
# each, aligned.
_FILE_HEADER = struct.Struct("<8sI64sI")
_CHECKED_FROM = 12
_DESCRIPTION = struct.Struct("<QIIIII256s")
_BODY_OFFSET = 768
_ALIGNMENT_BYTES = 64
MIN_DURABLE_BYTES = 2**20
"""A larger file reaches the disk before it is used: after a power cut, a million phrases are mapped again and not
compiled again. A smaller one that a power cut damaged fails its checksum, and is compiled again at once."""
MIN_MAPPED_BYTES = 2**16
"""A mapping keeps a file descriptor: of smaller files, those of single targets, there are hundreds."""


def path_of(folder: Path, digest: str) -> Path:
    """Return where `folder` keeps the automaton of this digest."""
    return folder / f"{digest}.automaton"


def digest_of(sets: PatternSets) -> str:
    """Return the digest of what an automaton looks for, and of the format of its file."""
    digest = hashlib.sha256(MAGIC)
    for patterns in sets:
        digest.update(b"\0".join(sorted(patterns.phrases)))
        spelt: dict[int, list[bytes]] = {}
        for spelling, number in patterns.phrases.items() if patterns.exempt else ():
            spelt.setdefault(number, []).append(spelling)
        for text, numbers in sorted(patterns.exempt.items()):
            allowed = sorted(spelling for number in numbers for spelling in spelt.get(number, ()))
            digest.update(b"\0\0" + text + b"\0" + b"\0".join(allowed))
        digest.update(b"\0\0\0")
    return digest.hexdigest()


def write(folder: Path, digest: str, tables: Sequence[Table]) -> Path:
    """Write the file atomically and return its path; raises PolicyUnavailable when it cannot be written.

    It contains the phrases, so only its owner may read it.
    """
    path = path_of(folder, digest)
    try:
        parts = list(_parts(digest, tables))
        durable = sum(map(len, parts)) >= MIN_DURABLE_BYTES
        with atomic_file(path, durable=durable, private=True) as file:
            file.writelines(parts)
    except OSError as error:
        raise PolicyUnavailable("a compiled policy file cannot be written") from error
    return path


def read(folder: Path, digest: str) -> list[Table]:
    """Map the file of this digest, so that nothing is copied, or read it where it is small.

    Raises PolicyUnavailable when it is missing, incomplete, or not what its name says.
    """
    try:
        with path_of(folder, digest).open("rb") as file:
            is_small = os.fstat(file.fileno()).st_size < MIN_MAPPED_BYTES
            content = file.read() if is_small else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return _read(memoryview(content), digest)
    except (OSError, ValueError, struct.error) as error:
        raise PolicyUnavailable("a compiled policy file is missing or damaged") from error


def _parts(digest: str, tables: Sequence[Table]) -> Iterator[bytes | memoryview]:
    descriptions = b"".join(
        _DESCRIPTION.pack(len(one.symbol), *one.cells.shape, len(one.ends), len(one.late), one.top, one.symbols)
        for one in tables
    )
    header = _FILE_HEADER.pack(MAGIC, 0, digest.encode(), len(tables))[_CHECKED_FROM:] + descriptions
    parts: list[bytes | memoryview] = [header, b"\0" * (_BODY_OFFSET - _CHECKED_FROM - len(header))]
    for one in tables:
        for array in one.arrays:
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
        states, rows, width, ends, late, top, symbols = described
        tables.append(
            Table(
                symbols,
                top,
                array(np.int32, rows * width).reshape(rows, width),
                array(np.uint8, states),
                array(np.int32, states),
                array(np.int16, states),
                array(np.bool_, states),
                array(np.bool_, states),
                array(np.int32, ends),
                array(np.int32, ends),
                array(np.int32, ends),
                array(np.int32, late),
            )
        )
    if position != len(content):
        raise ValueError("trailing bytes")
    return tables
