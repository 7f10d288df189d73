"""The module that scripts import, from where it is installed.

Does: let scripts see `hooking` and `vdsm` alone: this folder is on their PYTHONPATH, not the one with all packages of the
agent's interpreter, which need not be theirs. Does not: import the agent.
"""

import os
import sys
from importlib.machinery import SourceFileLoader

_installed = os.path.abspath(__file__)
for _ in ("library", "hooks", "agent", "ovis", ""):
    _installed = os.path.dirname(_installed)
SourceFileLoader(__name__, os.path.join(_installed, "hooking", "__init__.py")).exec_module(sys.modules[__name__])
