"""A connection to the libvirt that the agent uses."""

import os

_OPEN = {}


def get(target=None, killOnFailure=True):
    """The connection, opened once a script. Needs the libvirt module of the script's interpreter."""
    import libvirt

    uri = os.environ.get("OVIS_LIBVIRT_URI") or "qemu:///system"
    if uri not in _OPEN:
        _OPEN[uri] = libvirt.open(uri)
    return _OPEN[uri]
