"""Partition tables as disks have them."""

import struct

import pytest
from hypothesis import given, strategies as some

from ovis.agent.virt.partitions import SECTOR, SECTORS, alignment, starts


def mbr(*entries: tuple[int, int]) -> bytes:
    """(type, first sector) of up to four."""
    rows = b"".join(struct.pack("<B3xB3xII", 0, kind, first, 100 if kind else 0) for kind, first in entries)
    return (bytes(446) + rows).ljust(510, b"\0") + b"\x55\xaa"


def gpt(*firsts: int) -> bytes:
    """A disk with such partitions."""
    header = bytearray(SECTOR)
    header[:8] = b"EFI PART"
    struct.pack_into("<QII", header, 72, 2, 128, 128)
    entries = b"".join(
        b"t" * 16 + b"u" * 16 + struct.pack("<QQ", f, f + 9) + bytes(80) if f else bytes(128) for f in firsts
    )
    return (mbr((0xEE, 1)) + bytes(header) + entries).ljust(SECTORS * SECTOR, b"\0")


def test_an_mbr() -> None:
    assert starts(mbr((0x83, 2048), (0, 0), (0x82, 63))) == {1: 2048, 3: 63}
    assert alignment(mbr((0x83, 2048), (0x83, 63))) == {"/dev/sda1": True, "/dev/sda2": False}


def test_a_gpt() -> None:
    assert starts(gpt(2048, 0, 4097)) == {1: 2048, 3: 4097}
    assert alignment(gpt(128)) == {"/dev/sda1": True}


@pytest.mark.parametrize("data", [b"", bytes(512), bytes(SECTORS * SECTOR), mbr((0xEE, 1)), b"\x55\xaa" * 256])
def test_disks_without_a_table_have_no_partitions(data: bytes) -> None:
    assert starts(data[:510] + b"\x00\x00" + data[512:] if data == b"\x55\xaa" * 256 else data) == {}


@given(some.binary(min_size=0, max_size=2 * SECTORS * SECTOR))
def test_garbage_is_read_without_an_error(data: bytes) -> None:
    alignment(data)
    alignment(mbr((0xEE, 1)) + b"EFI PART" + data)
