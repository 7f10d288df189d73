#!/usr/bin/python3
"""Adds arguments to the command line that libvirt gives QEMU."""

import json
import os
import sys

import hooking

NAMESPACE = "http://libvirt.org/schemas/domain/qemu/1.0"


def arguments(text):
    """The property's arguments; ValueError if it is no JSON list of texts."""
    found = json.loads(text)
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise ValueError("it is no list of texts")
    return found


def main():
    """Put them into the document, in a namespace of its own."""
    text = os.environ.get("qemu_cmdline")
    if not text:
        return
    try:
        wanted = arguments(text)
    except ValueError as err:
        hooking.exit_hook('qemucmdline: the property reads ["-ARGUMENT", "VALUE"]: %s' % err)
    document = hooking.read_domxml()
    domain = document.getElementsByTagName("domain")[0]
    domain.setAttribute("xmlns:qemu", NAMESPACE)
    line = document.createElement("qemu:commandline")
    for each in wanted:
        argument = document.createElement("qemu:arg")
        argument.setAttribute("value", each)
        line.appendChild(argument)
    domain.appendChild(line)
    hooking.write_domxml(document)


main()
sys.exit(0)
