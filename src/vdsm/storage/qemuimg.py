"""qemu-img."""

import json

from vdsm.common import cmdutils, commands

_QEMU_IMG = cmdutils.CommandPath("qemu-img", "/usr/bin/qemu-img")


class FORMAT:
    """Formats by their names in qemu-img."""

    QCOW2 = "qcow2"
    RAW = "raw"
    QED = "qed"
    VMDK = "vmdk"


class Operation:
    """A command that is run when asked to."""

    def __init__(self, command):
        self._command = command

    def run(self):
        """To its end; cmdutils.Error if it fails."""
        commands.run(self._command)


def info(image, format=None, unsafe=False, trusted_image=True, backing_chain=False):
    """What qemu-img says of an image: virtual-size, format, ..."""
    command = [_QEMU_IMG.cmd, "info", "--output", "json"]
    command += ["-f", format] if format else []
    command += ["-U"] if unsafe else []
    command += ["--backing-chain"] if backing_chain else []
    return json.loads(commands.run([*command, image]))


def convert(
    srcImage,
    dstImage,
    srcFormat=None,
    dstFormat=None,
    backing=None,
    backingFormat=None,
    preallocation=None,
    compressed=False,
    unordered_writes=False,
    create=True,
    target_is_zero=False,
):
    """A copy, in that format; `run()` makes it."""
    command = [_QEMU_IMG.cmd, "convert", "-t", "none", "-T", "none"]
    command += ["-f", srcFormat] if srcFormat else []
    command += ["-O", dstFormat] if dstFormat else []
    command += [] if create else ["-n"]
    command += ["-c"] if compressed else []
    command += ["-W"] if unordered_writes else []
    command += ["--target-is-zero"] if target_is_zero else []
    options = ["backing_file=" + backing] if backing else []
    options += ["backing_fmt=" + backingFormat] if backing and backingFormat else []
    options += ["preallocation=" + preallocation] if preallocation else []
    command += ["-o", ",".join(options)] if options else []
    return Operation([*command, srcImage, dstImage])


def create(image, size=None, format=None, backing=None, backingFormat=None):
    """A new image; `run()` makes it."""
    command = [_QEMU_IMG.cmd, "create"]
    command += ["-f", format] if format else []
    command += ["-b", backing] if backing else []
    command += ["-F", backingFormat] if backing and backingFormat else []
    return Operation([*command, image] + ([str(size)] if size is not None else []))
