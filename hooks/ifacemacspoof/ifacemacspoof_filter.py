"""Takes the filter off NICs that keeps a guest from sending with another MAC address than its own."""

import os

import hooking

FILTER = "vdsm-no-mac-spoofing"


def run():
    """What the scripts of this hook do: nothing unless the property says so."""
    if not hooking.tobool(os.environ.get("ifacemacspoof")):
        return
    document = hooking.read_domxml()
    found = [f for f in document.getElementsByTagName("filterref") if f.getAttribute("filter") == FILTER]
    for each in found:
        each.parentNode.removeChild(each)
    if found:
        hooking.write_domxml(document)
