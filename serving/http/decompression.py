"""Compressed request bodies, read as the body that they hold."""

from __future__ import annotations

import io
import zlib

from guard.errors import RequestRefused
from serving.http.asgi import BodyTooLarge, Receive, Scope, read_body

# How a window of zlib says which format it expects.
_GZIP, _DEFLATE = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS
MAX_WINDOW_BYTES = 8 * 2**20  # memory of a zstd decoder, which RFC 9659 asks every one to have
_CHUNK_BYTES = 64 * 1024


class UnsupportedEncoding(RequestRefused):
    """The body is compressed in a way that is not read here."""

    code = "unsupported_encoding"
    status = 415


class MalformedCompression(RequestRefused):
    """The body is not what its `Content-Encoding` says, or is cut off."""

    code = "malformed_body"


async def read_decompressed(scope: Scope, receive: Receive, limit: int) -> bytes:
    """Return the whole request body as it was before its `Content-Encoding` (gzip, deflate or zstd, once).

    Never more than `limit` bytes are held of it, compressed or not (BodyTooLarge). Raises UnsupportedEncoding and
    MalformedCompression.
    """
    named = b",".join(value for name, value in scope["headers"] if name == b"content-encoding")
    encoding = named.strip().lower()
    if encoding not in (b"", b"identity", b"gzip", b"x-gzip", b"deflate", b"zstd"):
        raise UnsupportedEncoding(
            "The body may be compressed with gzip, deflate or zstd.", field="Content-Encoding"
        )
    body = await read_body(receive, limit)
    if encoding in (b"", b"identity"):
        return body
    if encoding == b"zstd":
        return _from_zstd(body, limit)
    return _from_zlib(body, limit, _DEFLATE if encoding == b"deflate" else _GZIP)


def _from_zlib(body: bytes, limit: int, window_bits: int) -> bytes:
    stream = zlib.decompressobj(window_bits)
    try:
        plain = stream.decompress(body, limit + 1)
    except zlib.error:
        raise MalformedCompression("The body is not compressed as its Content-Encoding says.") from None
    if len(plain) > limit:
        raise BodyTooLarge
    return _whole(plain, ended=stream.eof and not stream.unused_data)


def _from_zstd(body: bytes, limit: int) -> bytes:
    import zstandard

    decompressor = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES)
    try:
        # The size first, held by nobody: decompressobj has no bound.
        size = 0
        with decompressor.stream_reader(io.BytesIO(body)) as reader:
            while chunk := reader.read(_CHUNK_BYTES):
                size += len(chunk)
                if size > limit:
                    raise BodyTooLarge
        stream = decompressor.decompressobj()
        plain = stream.decompress(body)
    except zstandard.ZstdError:
        raise MalformedCompression("The body is not compressed as its Content-Encoding says.") from None
    return _whole(plain, ended=stream.eof and not stream.unused_data)


def _whole(plain: bytes, *, ended: bool) -> bytes:
    if not ended:
        raise MalformedCompression("The compressed body is cut off, or something follows it.")
    return plain
