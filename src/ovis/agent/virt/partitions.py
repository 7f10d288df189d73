"""Partitions of a disk: where they begin, and whether that suits the storage below.

Does: read MBR and GPT tables from the first sectors. Pure. Follows: the two formats; a start at a multiple of 64 KiB is
good, as virt-alignment-scan has it.
"""

import struct

SECTOR = 512
SECTORS = 34  # MBR, GPT header and its 128 entries
_GOOD = 65536
_PROTECTIVE = 0xEE


def starts(data: bytes) -> dict[int, int]:
    """Partition number -> its first sector; nothing if there is no table."""
    if len(data) < SECTOR or data[510:512] != b"\x55\xaa":
        return {}
    found = {}
    for number in range(4):
        entry = data[446 + 16 * number : 462 + 16 * number]
        kind, first, count = entry[4], *struct.unpack_from("<II", entry, 8)
        if kind == _PROTECTIVE:
            return _gpt(data)
        if kind and count:
            found[number + 1] = first
    return found


def _gpt(data: bytes) -> dict[int, int]:
    header = data[SECTOR : 2 * SECTOR]
    if header[:8] != b"EFI PART" or len(header) < 92:
        return {}
    where, count, size = struct.unpack_from("<QII", header, 72)
    found = {}
    for number in range(min(count, 128)):
        entry = data[where * SECTOR + number * size :][:size] if 128 <= size <= 4096 else b""
        if len(entry) < 128:
            break
        if entry[:16] != bytes(16):
            found[number + 1] = struct.unpack_from("<Q", entry, 32)[0]
    return found


def alignment(data: bytes) -> dict[str, bool]:
    """`/dev/sdaN` -> whether it begins well."""
    return {f"/dev/sda{n}": first * SECTOR % _GOOD == 0 for n, first in starts(data).items()}
