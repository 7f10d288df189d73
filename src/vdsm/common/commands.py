"""Programs run to their end."""

from hooking import execCmd
from vdsm.common import cmdutils

__all__ = ["execCmd", "run"]


def run(args, input=None, cwd=None, env=None, sudo=False, setsid=False, nice=None, ioclass=None, ioclassdata=None):
    """Its output, bytes; cmdutils.Error if it did not end with 0."""
    status, out, error = execCmd(
        args,
        sudo=sudo,
        cwd=cwd,
        data=input,
        raw=True,
        env=env,
        setsid=setsid,
        nice=nice,
        ioclass=ioclass,
        ioclassdata=ioclassdata,
    )
    if status != 0:
        raise cmdutils.Error(args, status, out, error)
    return out
