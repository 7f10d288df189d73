"""The scheduler proxy: runs users' scheduling modules in processes of their own. Knows no other room.

`from ovis.scheduler_proxy import connect` is what a module calls for a ready connection to the engine's API.
"""

from ovis.scheduler_proxy.connection import connect

__all__ = ("connect",)
