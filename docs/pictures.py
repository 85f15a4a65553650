"""Small pictures of screens: a PNG of true colours becomes one of at most 256, which a screen of text bears well."""

from __future__ import annotations

import struct
import zlib

import numpy as np

COLOURS = 256
# Most of a screen is grey, so its few colours would lose every vote: they have seats of their own.
VIVID_SEATS, VIVID = 112, 20
_HEAD = b"\x89PNG\r\n\x1a\n"
_Bytes = np.ndarray


def small(png: bytes) -> bytes:
    """The same picture by a palette of its most frequent greys and colours. Takes 8-bit RGB, as browsers write it."""
    pixels = _read(png)
    height, width, _ = pixels.shape
    packed = pixels.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], dtype=np.uint32)
    colours, places, counts = np.unique(packed, return_inverse=True, return_counts=True)
    frequent = np.argsort(-counts, kind="stable")
    is_vivid = np.ptp(_split(colours), axis=1)[frequent] > VIVID
    vivid = frequent[is_vivid][:VIVID_SEATS]
    kept = np.sort(np.concatenate([vivid, frequent[~is_vivid][: COLOURS - len(vivid)]]))
    palette = _split(colours[kept])
    nearest = np.array([np.abs(palette - colour).sum(axis=1).argmin() for colour in _split(colours)], dtype=np.uint8)
    rows = nearest[places.reshape(height, width)]
    lines = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1).tobytes()
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    chunks = {
        b"IHDR": head,
        b"PLTE": palette.astype(np.uint8).tobytes(),
        b"IDAT": zlib.compress(lines, 9),
        b"IEND": b"",
    }
    return _HEAD + b"".join(_chunk(kind, data) for kind, data in chunks.items())


def _split(colours: _Bytes) -> _Bytes:
    return np.stack([colours >> 16 & 255, colours >> 8 & 255, colours & 255], axis=1).astype(np.int32)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _read(png: bytes) -> _Bytes:
    """The pixels, as height × width × 3. Raises ValueError for another kind of PNG."""
    at, data, size = len(_HEAD), b"", (0, 0)
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        content = png[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colour, *rest = struct.unpack(">IIBBBBB", content)
            if (depth, colour, rest) != (8, 2, [0, 0, 0]):
                raise ValueError("This is no plain 8-bit RGB picture.")
            size = height, width
        elif kind == b"IDAT":
            data += content
        at += 12 + length
    return _unfiltered(np.frombuffer(zlib.decompress(data), np.uint8).reshape(size[0], -1)).reshape(*size, 3)


def _unfiltered(lines: _Bytes) -> _Bytes:
    """The rows without their filters (PNG specification, section 9): 0 none, 1 left, 2 above, 3 mean, 4 Paeth."""
    rows = np.zeros((len(lines), lines.shape[1] - 1), np.uint8)
    above = np.zeros(rows.shape[1], np.uint8)
    for number, line in enumerate(lines):
        kind, raw = line[0], line[1:]
        if kind == 1:
            above = np.cumsum(raw.reshape(-1, 3), axis=0, dtype=np.uint8).reshape(-1)
        elif kind == 2:
            above = raw + above
        elif kind:
            above = np.frombuffer(_stepwise(kind, raw.tobytes(), above.tobytes()), np.uint8)
        else:
            above = raw
        rows[number] = above
    return rows


def _stepwise(kind: int, raw: bytes, above: bytes) -> bytes:
    row = bytearray(3) + bytearray(len(raw))
    above = bytes(3) + above
    for place, value in enumerate(raw, start=3):
        left, up = row[place - 3], above[place]
        if kind == 3:
            guess = (left + up) >> 1
        else:
            corner = above[place - 3]
            by_left, by_up, by_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
            guess = left if by_left <= by_up and by_left <= by_corner else up if by_up <= by_corner else corner
        row[place] = (value + guess) & 255
    return bytes(row[3:])
