from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from typing import Any, Callable, TypeVar

import numpy as np
from numpy.typing import NDArray

from . import _tiff

Array = TypeVar("Array", bound="NDArray[Any]")


class Error(RuntimeError):
    """An error that the program reported."""


def program() -> str:
    """Return the path of the program: CLUSIR_PROGRAM, or the one in this package, or the
    first on the PATH."""
    if named := os.environ.get("CLUSIR_PROGRAM"):
        if not shutil.which(named):
            raise Error(f"CLUSIR_PROGRAM names {named}, which is no program: name clusir, or unset it")
        return named
    user = "osx_framework_user" if sysconfig.get_config_var("PYTHONFRAMEWORK") else f"{os.name}_user"
    for folder in (sysconfig.get_path("scripts"), sysconfig.get_path("scripts", user), None):
        if found := shutil.which("clusir", path=folder):
            return found
    raise Error("the program clusir is not on the PATH: install this package from its wheel, or name it in CLUSIR_PROGRAM")


def restore(
    image: Array,
    *,
    model: str | None = None,
    strength: float | None = None,
    tile: int | str | None = None,
    max_pixels: int | None = None,
) -> Array:
    """Restore a picture. The result has the same shape and type.

    image is [H, W] or [H, W, 1] (grey), [H, W, 3] (RGB) or [H, W, 4] (with alpha), of
    uint8, uint16, or float32 in 0..1, which is converted to 16 bits and back. The other
    arguments are the flags of clusir restore; None means the default. Each call loads the
    network; a Server keeps it loaded."""
    flags: list[str] = []
    for name, value in options(model, strength, tile, max_pixels).items():
        flags += [f"--{name}", value]

    def run(file: bytes) -> bytes:
        done = subprocess.run([program(), "restore", "-", "-", "--format", "tif", *flags], input=file, capture_output=True)
        if done.returncode != 0:
            raise Error(done.stderr.decode(errors="replace").strip().removeprefix("clusir: "))
        return done.stdout

    return through(image, run)


def options(model: str | None, strength: float | None, tile: int | str | None, max_pixels: int | None) -> dict[str, str]:
    """Return the flags that have a value."""
    given = {"model": model, "strength": strength, "tile": tile, "max-pixels": max_pixels}
    return {name: str(value) for name, value in given.items() if value is not None}


def through(image: Array, run: Callable[[bytes], bytes]) -> Array:
    """Convert an array to TIFF, restore it with run, and convert it back."""
    if not isinstance(image, np.ndarray) or image.dtype.type not in (np.uint8, np.uint16, np.float32):
        kind = image.dtype if isinstance(image, np.ndarray) else type(image).__name__
        raise TypeError(f"a picture is a numpy array of uint8, uint16 or float32, not {kind}")
    pixels = image[:, :, None] if image.ndim == 2 else image
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3, 4) or 0 in pixels.shape:
        raise ValueError(f"a picture is [H, W], [H, W, 1], [H, W, 3] or [H, W, 4], not {list(image.shape)}")
    if image.dtype.type is np.float32:  # in any byte order
        if not np.isfinite(pixels).all():
            raise ValueError("a picture of float32 holds NaN or infinity: give those pixels a value in 0..1")
        if not (pixels.min() >= 0 and pixels.max() <= 1):
            raise ValueError("a picture of float32 has values in 0..1: scale it, or clip it")
        pixels = np.rint(pixels * 65535).astype(np.uint16)
    file = run(_tiff.encode(pixels))
    if file[:2] not in (b"II", b"MM"):
        raise Error("the program wrote no TIFF: is it clusir?")
    result: NDArray[Any] = _tiff.decode(file)
    if result.shape != pixels.shape or result.dtype != pixels.dtype.newbyteorder("="):
        raise Error(f"the program returned {list(result.shape)} of {result.dtype} for {list(pixels.shape)} of {pixels.dtype}")
    if image.dtype.type is np.float32:
        result = result / np.float32(65535)
    return result.reshape(image.shape).astype(image.dtype, copy=False)  # type: ignore[return-value]
