"""Cluster compatibility levels: what this engine supports, and how a version is compared.

Follows: engine 4.5 supports 4.2 to 4.8.
"""

from ovis.engine.model.types import Version

LEVELS: tuple[tuple[int, int], ...] = ((4, 2), (4, 3), (4, 4), (4, 5), (4, 6), (4, 7), (4, 8))
LATEST = LEVELS[-1]


def level_of(version: Version | None) -> tuple[int, int]:
    """(major, minor); the latest level when nothing is said."""
    if version is None or version.major is None:
        return LATEST
    return (version.major, version.minor or 0)


def level_text(version: Version | None) -> str:
    """`4.7`."""
    return "{}.{}".format(*level_of(version))


def supported(version: Version | None) -> bool:
    """Whether clusters may have this level."""
    return level_of(version) in LEVELS


def version_of(level: tuple[int, int]) -> Version:
    """The API's form."""
    return Version(major=level[0], minor=level[1])
