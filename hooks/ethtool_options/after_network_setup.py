#!/usr/bin/python3
"""Sets options of NICs, once the networks that name them are set up."""

import shlex
import sys

import hooking

ETHTOOL = "/usr/sbin/ethtool"


def commands(request):
    """(network, ethtool's arguments) for every network that is set up and has the property."""
    for name, network in sorted(request.get("networks", {}).items()):
        options = network.get("custom", {}).get("ethtool_opts", "")
        if network.get("remove") or not options.strip():
            continue
        device = network.get("bonding") or network.get("nic") or name
        yield name, [device if word == "%device%" else word for word in shlex.split(options)]


def main():
    """Run ethtool for each; one that fails does not keep the others from it."""
    failed = False
    for name, arguments in commands(hooking.read_json()["request"]):
        status, _, err = hooking.execCmd([ETHTOOL, *arguments], sudo=True, raw=True)
        if status:
            failed = True
            hooking.log("ethtool_options: network %s: %s" % (name, bytes(err).decode(errors="replace").strip()))
    sys.exit(1 if failed else 0)


main()
