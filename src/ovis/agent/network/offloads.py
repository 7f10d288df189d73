"""What a NIC does to frames by itself, turned off where the switch in user space reads and writes them.

Does: checksums that are left to the NIC, frames that were joined on their way in, IPv6 on what is no end. By ioctl and
/proc/sys; blocks. Does not: fail: a NIC that cannot is one that does not.
Follows: ethtool's ioctl of the kernel.
"""

import array
import contextlib
import fcntl
import socket
import struct
from pathlib import Path

_SIOCETHTOOL = 0x8946
_SET_TX_CHECKSUM, _SET_GRO, _GET_FLAGS, _SET_FLAGS = 0x17, 0x2C, 0x25, 0x26
_LRO = 1 << 15


def _ask(device: str, command: int, value: int) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        data = array.array("B", struct.pack("=II", command, value))
        fcntl.ioctl(handle, _SIOCETHTOOL, struct.pack("16sP", device.encode(), data.buffer_info()[0]))
        return int(struct.unpack("=II", data.tobytes())[1])


def _set(device: str, command: int, value: int) -> None:
    with contextlib.suppress(OSError):  # not every driver has every feature
        _ask(device, command, value)


def _ipv6(device: str, *, on: bool) -> None:
    with contextlib.suppress(OSError):  # a kernel without IPv6
        Path(f"/proc/sys/net/ipv6/conf/{device}/disable_ipv6").write_text("0" if on else "1", encoding="ascii")


def ended(device: str, end: str) -> None:
    """A veth pair: the kernel writes whole checksums into `device`; `end` is nobody's address."""
    _set(device, _SET_TX_CHECKSUM, 0)
    _ipv6(end, on=False)


def alone(nic: str, *, whole: bool) -> None:
    """A NIC that the switch reads. whole: all of it, as a bond's slave."""
    _set(nic, _SET_GRO, 0)
    with contextlib.suppress(OSError):
        flags = _ask(nic, _GET_FLAGS, 0)
        if flags & _LRO:
            _set(nic, _SET_FLAGS, flags & ~_LRO)
    if whole:
        _ipv6(nic, on=False)


def shared(nic: str) -> None:
    """A NIC that is the kernel's again."""
    _set(nic, _SET_GRO, 1)
    _ipv6(nic, on=True)
