"""`from vdsm.hook import hooking`."""

import sys

import hooking

sys.modules[__name__ + ".hooking"] = hooking
__all__ = ["hooking"]
