"""`from vdsm import constants`: the same as vdsm.common.constants."""

from vdsm.common.constants import *  # noqa: F403
