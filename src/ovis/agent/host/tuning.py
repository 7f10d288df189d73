"""Turning knobs of a host: memory merging (KSM), the policy engine that is not here, how much is logged.

Follows: VDSM's verbs.
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import structlog

from ovis.agent.main import logs
from ovis.agent.virt.link import in_thread
from ovis.contract.errors import DONE, Code, VerbError

log = structlog.get_logger(__name__)
_LEVELS = {
    "CRITICAL": logging.CRITICAL,
    "CRIT": logging.CRITICAL,
    "ERROR": logging.ERROR,
    "WARNING": logging.WARNING,
    "WARN": logging.WARNING,
    "INFO": logging.INFO,
    "DEBUG": logging.DEBUG,
}
KSM_KEYS = ("run", "sleep_millisecs", "pages_to_scan", "merge_across_nodes")


def ksm_values(given: Mapping[str, Any]) -> dict[str, int]:
    """KSM's knobs as numbers. INVALID_PARAMETER for others. Pure."""
    found = {}
    for key, value in given.items():
        text = str(int(value)) if isinstance(value, bool) else str(value)
        if key not in KSM_KEYS or not (text.isascii() and text.isdigit()) or int(text) > 1 << 31:
            raise VerbError(Code.INVALID_PARAMETER, f"KSM has no {str(key)[:40]} of {text[:40]!r}.")
        found[key] = int(text)
    return found


class TuningVerbs:
    """The verbs. ksm: the kernel's folder."""

    def __init__(self, ksm: Path = Path("/sys/kernel/mm/ksm")) -> None:
        self._ksm = ksm

    async def host_set_ksm_tune(self, tuningParams: Mapping[str, Any]) -> dict[str, Any]:
        """Set what is named; `run` comes last."""
        values = ksm_values(tuningParams)
        await in_thread(self._set_ksm, {k: values[k] for k in reversed(KSM_KEYS) if k in values})
        return dict(DONE)

    def _set_ksm(self, values: dict[str, int]) -> None:
        for key, value in values.items():
            file = self._ksm / key
            try:
                if int(file.read_text(encoding="ascii")) != value:
                    file.write_text(str(value), encoding="ascii")
            except (OSError, ValueError) as err:
                raise VerbError(Code.GENERAL, f"The kernel does not take {key}={value} for KSM: {err}") from err

    async def host_set_mom_policy(self, policy: str) -> None:
        """There is no policy engine that could take rules."""
        raise VerbError(Code.MOM_POLICY, "This host has no memory policy engine; use Host.setKsmTune.")

    async def host_set_log_level(self, level: str, name: str = "") -> None:
        """From now on, until the agent is started anew."""
        wanted = _LEVELS.get(str(level).upper())
        if wanted is None:
            raise VerbError(Code.INVALID_PARAMETER, f"Levels are {', '.join(_LEVELS)}, not {str(level)[:40]!r}.")
        if name not in ("", "root"):
            raise VerbError(Code.INVALID_PARAMETER, "There is one log with one level: leave the name out.")
        logs.set_level(wanted)
        log.warning("log level changed", level=str(level).upper())
