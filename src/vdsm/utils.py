"""Small things that hooks take from `vdsm.utils`."""

import functools

from hooking import execCmd, tobool

__all__ = ["closing", "execCmd", "memoized", "rget", "tobool"]


class closing:
    """Close a thing at the end of a block, without hiding the block's own error."""

    def __init__(self, thing):
        self.obj = thing

    def __enter__(self):
        return self.obj

    def __exit__(self, kind, value, traceback):
        try:
            self.obj.close()
        except Exception:
            if kind is None:
                raise


def rget(mapping, keys, default=None):
    """A value below several keys."""
    for key in keys:
        mapping = (mapping or {}).get(key)
    return default if mapping is None else mapping


def memoized(function):
    """Remember results by arguments."""
    return functools.lru_cache(maxsize=None)(function)
