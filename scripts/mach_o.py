"""Reports why a Mac would refuse a program:

  mach_o.py PROGRAM arm64|amd64

The program must be for that processor and macOS 12, load only libraries of macOS, and,
for Apple's processors, have a signature with the hash of each page.
"""

import hashlib
import struct
import sys
from pathlib import Path

PROCESSORS = {"amd64": 0x01000007, "arm64": 0x0100000C}
EXECUTE, WEAK_DYLIB, RPATH, REEXPORT, MAIN = 2, 0x80000018, 0x8000001C, 0x8000001F, 0x80000028
DYLIB, SIGNATURE, BUILD_VERSION = 0xC, 0x1D, 0x32
EMBEDDED_SIGNATURE, CODE_DIRECTORY, SHA256 = 0xFADE0CC0, 0xFADE0C02, 2


def commands(image):
    """commands yields the load commands of a program: number, whole bytes."""
    count, = struct.unpack_from("<I", image, 16)
    at = 32
    for _ in range(count):
        number, size = struct.unpack_from("<II", image, at)
        yield number, image[at:at + size]
        at += size


def faults(image, processor):
    """faults yields the program's faults."""
    magic, cpu, _, kind = struct.unpack_from("<IIII", image)
    if magic != 0xFEEDFACF or kind != EXECUTE:
        yield "it is no program for macOS"
        return
    if cpu != PROCESSORS[processor]:
        yield f"it is for processor {cpu:#x}, not {processor}"
    found = dict(commands(image))
    if MAIN not in found:
        yield "it has no entry"
    if RPATH in found:
        yield "it looks for libraries in a folder of its own"
    oldest = struct.unpack_from("<I", found[BUILD_VERSION], 12)[0] if BUILD_VERSION in found else 0
    if oldest != 12 << 16:
        yield f"its oldest macOS is {oldest >> 16}.{oldest >> 8 & 255}, not 12.0"
    for number, command in commands(image):
        if number in (DYLIB, WEAK_DYLIB, REEXPORT):
            name = command[struct.unpack_from("<I", command, 8)[0]:].split(b"\0")[0].decode()
            if not name.startswith(("/usr/lib/", "/System/Library/")):
                yield f"it loads {name}, which is not part of macOS"
    if SIGNATURE in found:
        yield from signature_faults(image, *struct.unpack_from("<II", found[SIGNATURE], 8))
    elif processor == "arm64":
        yield "it is not signed"


def signature_faults(image, at, size):
    """signature_faults compares the pages of a program with the hashes of its signature."""
    magic, _, count = struct.unpack_from(">III", image, at)
    if magic != EMBEDDED_SIGNATURE or at + size > len(image):
        yield "its signature is damaged"
        return
    for i in range(count):
        _, offset = struct.unpack_from(">II", image, at + 12 + 8 * i)
        directory = at + offset
        fields = struct.unpack_from(">9IBBBB", image, directory)
        if fields[0] != CODE_DIRECTORY:
            continue
        hashes, pages, limit = directory + fields[4], fields[7], fields[8]
        length, kind, page = fields[9], fields[10], 1 << fields[12]
        if kind != SHA256 or limit != at or pages != -(-limit // page):
            yield f"its signature is of {pages} pages of {page} bytes up to {limit}, and of kind {kind}"
        for k in range(pages):
            digest = hashlib.sha256(image[k * page:min((k + 1) * page, limit)]).digest()
            if image[hashes + k * length:hashes + (k + 1) * length] != digest:
                yield f"page {k} is not what was signed"
                return
        return
    yield "its signature names no pages"


if __name__ == "__main__":
    wrong = list(faults(Path(sys.argv[1]).read_bytes(), sys.argv[2]))
    for fault in wrong:
        print(f"{sys.argv[1]}: {fault}", file=sys.stderr)
    sys.exit(bool(wrong))
