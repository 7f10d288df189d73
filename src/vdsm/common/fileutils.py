"""Files, removed or made without fuss."""

import os


def rm_file(path):
    """Remove a file; one that is not there is no error."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def rm_tree(path):
    """Remove a folder with all in it; one that is not there is no error."""
    import shutil

    try:
        shutil.rmtree(path)
    except FileNotFoundError:
        pass


def createdir(path, mode=None):
    """Make a folder with its parents; one that is there is no error."""
    os.makedirs(path, exist_ok=True)
    if mode is not None:
        os.chmod(path, mode)


def touch_file(path):
    """Make an empty file, or give it the time that it is."""
    with open(path, "a"):
        os.utime(path, None)


def atomic_write(path, data, mode=None):
    """Put bytes in a file's place in one step."""
    import tempfile

    descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(path) or ".")
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(data)
            if mode is not None:
                os.fchmod(out.fileno(), mode)
        os.rename(temporary, path)
    except BaseException:
        rm_file(temporary)
        raise
