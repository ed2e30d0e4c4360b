"""Arrays as uncompressed TIFF files, which is how they are exchanged with the program:
TIFF keeps 8 and 16 bits, grey and alpha."""

from __future__ import annotations

import struct
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_SHORT, _LONG = 3, 4
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _OFFSETS, _SAMPLES, _ROWS, _COUNTS, _EXTRA = (
    256, 257, 258, 259, 262, 273, 277, 278, 279, 338,
)


def encode(pixels: Array) -> bytes:
    """Encode [H, W, C] of uint8 or uint16 with 1, 3 or 4 channels."""
    height, width, channels = pixels.shape
    little = pixels.dtype.newbyteorder("<")
    body = np.ascontiguousarray(pixels, dtype=little).tobytes()
    if len(body) >= 1 << 32:
        raise ValueError(f"{width}×{height} pixels are too many for a TIFF: cut the picture into pieces")
    bits = 8 * pixels.dtype.itemsize
    entries: list[tuple[int, int, list[int]]] = [
        (_WIDTH, _LONG, [width]), (_HEIGHT, _LONG, [height]), (_BITS, _SHORT, [bits] * channels),
        (_COMPRESSION, _SHORT, [1]), (_PHOTOMETRIC, _SHORT, [2 if channels >= 3 else 1]),
        (_OFFSETS, _LONG, [8]), (_SAMPLES, _SHORT, [channels]), (_ROWS, _LONG, [height]), (_COUNTS, _LONG, [len(body)]),
    ]
    if channels == 4:
        entries.append((_EXTRA, _SHORT, [2]))  # unassociated alpha
    at = 8 + len(body) + len(body) % 2
    beyond = at + 2 + 12 * len(entries) + 4
    table, long_values = struct.pack("<H", len(entries)), b""
    for tag, kind, values in entries:
        packed = struct.pack(f"<{len(values)}{'H' if kind == _SHORT else 'I'}", *values)
        if len(packed) > 4:
            packed, long_values = struct.pack("<I", beyond + len(long_values)), long_values + packed
        table += struct.pack("<HHI", tag, kind, len(values)) + packed.ljust(4, b"\0")
    return struct.pack("<2sHI", b"II", 42, at) + body.ljust(at - 8, b"\0") + table + struct.pack("<I", 0) + long_values


def decode(file: bytes) -> Array:
    """Decode [H, W, C] from a file that the program wrote."""
    orders: dict[bytes, Literal["<", ">"]] = {b"II": "<", b"MM": ">"}
    order = orders[file[:2]]
    (at,) = struct.unpack_from(order + "I", file, 4)
    (n,) = struct.unpack_from(order + "H", file, at)
    fields: dict[int, tuple[int, ...]] = {}
    for i in range(n):
        tag, kind, count = struct.unpack_from(order + "HHI", file, at + 2 + 12 * i)
        if kind not in (_SHORT, _LONG):
            continue
        letter, size = ("H", 2) if kind == _SHORT else ("I", 4)
        where = at + 2 + 12 * i + 8
        if count * size > 4:
            (where,) = struct.unpack_from(order + "I", file, where)
        fields[tag] = struct.unpack_from(f"{order}{count}{letter}", file, where)
    if fields.get(_COMPRESSION, (1,)) != (1,):
        raise ValueError("the program wrote a compressed TIFF, which this package does not support: update it")
    width, height, channels = fields[_WIDTH][0], fields[_HEIGHT][0], fields.get(_SAMPLES, (1,))[0]
    dtype = np.dtype(np.uint16 if fields[_BITS][0] == 16 else np.uint8).newbyteorder(order)
    body = b"".join(file[o : o + c] for o, c in zip(fields[_OFFSETS], fields[_COUNTS]))
    return np.frombuffer(body, dtype).reshape(height, width, channels).astype(dtype.newbyteorder("="))
