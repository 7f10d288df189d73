"""The package that scripts import, from where it is installed; see hooking beside it."""

import os

_installed = os.path.abspath(__file__)
for _ in ("vdsm", "library", "hooks", "agent", "ovis", ""):
    _installed = os.path.dirname(_installed)
__path__ = [os.path.join(_installed, "vdsm")]
