"""What the commands refuse, in words that say what to do."""


class CliFault(Exception):
    """Told in one message, no traceback; ends with exit status 1 unless a subclass says otherwise."""

    status = 1


class BadUsage(CliFault):
    """The command line does not make sense."""

    status = 2


class MissingPackages(CliFault):
    """The machine lacks programs that only its administrator can install."""

    status = 3
