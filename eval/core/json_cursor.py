"""A cursor on the JSON of a file: typed access, and errors that name file, line and member."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass, field
from pathlib import Path

from eval.core.errors import EvalError

_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class JsonCursor:
    """A value of a JSON file; every accessor returns the type it names or raises `error` with the location.

    `location` is the file, with the line where there is one; `path` the members from there to the value.
    """

    location: str
    value: object = field(repr=False)
    error: type[EvalError]
    path: str = ""

    def fail(self, reason: str) -> EvalError:
        """Return the error to raise here; `reason` must hold no text of the file."""
        return self.error(": ".join(part for part in (self.location, self.path, reason) if part))

    def _child(self, name: str, value: object) -> JsonCursor:
        path = f"{self.path}.{name}" if self.path else name
        return JsonCursor(self.location, value, self.error, path)

    def members(self) -> dict[str, JsonCursor]:
        """Return the members of an object, in the file's order."""
        if not isinstance(self.value, dict):
            raise self.fail("an object was expected")
        return {name: self._child(name, value) for name, value in self.value.items()}

    def elements(self) -> list[JsonCursor]:
        """Return the elements of an array."""
        if not isinstance(self.value, list):
            raise self.fail("an array was expected")
        return [self._child(str(index), value) for index, value in enumerate(self.value)]

    def find(self, name: str) -> JsonCursor | None:
        """Return a member, or None where it is missing or null."""
        if not isinstance(self.value, dict):
            raise self.fail("an object was expected")
        value = self.value.get(name)
        return None if value is None else self._child(name, value)

    def member(self, name: str) -> JsonCursor:
        """Return a member that must be there."""
        found = self.find(name)
        if found is None:
            raise self.fail(f"{name} is missing")
        return found

    def text(self) -> str:
        """Return a string with more than white space in it."""
        if not isinstance(self.value, str):
            raise self.fail("a string was expected")
        if not self.value.strip():
            raise self.fail("the string is empty")
        return self.value

    def number(self) -> float:
        """Return a number as float64; NaN and infinities, which Python writes into JSON, are accepted."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            raise self.fail("a number was expected")
        return float(self.value)


def read_text(path: Path, error: type[EvalError]) -> str:
    """Return the UTF-8 text of a file, decompressed where it is gzip, whatever its name."""
    try:
        data = path.read_bytes()
        if data.startswith(_GZIP_MAGIC):
            data = gzip.decompress(data)
        return data.decode("utf-8-sig")
    except FileNotFoundError:
        raise error(f"{path}: no such file") from None
    except IsADirectoryError:
        raise error(f"{path}: a file was expected, not a folder") from None
    except UnicodeDecodeError:
        raise error(f"{path}: not UTF-8 text") from None
    except (OSError, EOFError, zlib.error) as cause:
        raise error(f"{path}: cannot be read ({type(cause).__name__})") from None
