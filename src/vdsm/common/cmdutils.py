"""Programs by name, and their failures."""

import os


class CommandPath:
    """A program that lies in different places on different hosts: looked for when first asked for.

    paths: where to look, in order; search_path: on PATH as well, last.
    """

    def __init__(self, name, *paths, search_path=True):
        self.name = name
        self.paths = paths
        self.search_path = search_path
        self._found = None

    @property
    def cmd(self):
        """Its path; OSError ENOENT if it is nowhere."""
        if self._found is None:
            self._found = self._find()
        return self._found

    def _find(self):
        for path in self.paths:
            if os.path.exists(path):
                return path
        if self.search_path:
            import shutil

            found = shutil.which(self.name)
            if found:
                return found
        raise FileNotFoundError(2, os.strerror(2) + ": " + self.name)

    def __repr__(self):
        return f"<CommandPath {self.name!r} {self.paths!r}>"

    def __str__(self):
        return str(self.cmd)

    __fspath__ = __str__


class Error(Exception):
    """A program failed."""

    def __init__(self, cmd, rc, out, err):
        super().__init__(cmd, rc, out, err)
        self.cmd = cmd
        self.rc = rc
        self.out = out
        self.err = err

    @property
    def msg(self):
        """What to tell."""
        return f"Command {self.cmd!r} failed with rc={self.rc} out={self.out!r} err={self.err!r}"

    def __str__(self):
        return self.msg
