"""Parts of a host's report by themselves: networks, network statistics, LLDP; and an echo.

Follows: VDSM's verbs.
"""

import os
import time
from collections.abc import Mapping
from typing import Any

import structlog

from ovis.agent.network import report
from ovis.agent.network.setup import NetworkVerbs
from ovis.agent.virt.link import in_thread

log = structlog.get_logger(__name__)
_SHOWN = 1000


def totals(network: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Packets that the host's interfaces dropped. Pure."""
    return {key: str(sum(int(row[key]) for row in network.values())) for key in ("rxDropped", "txDropped")}


class ReportVerbs:
    """The verbs."""

    def __init__(self, networks: NetworkVerbs) -> None:
        self._networks = networks

    async def host_echo(self, message: str) -> str:
        """Say it back, and in the log: administrators mark their place there."""
        log.info("echo", message=str(message)[:_SHOWN])
        return str(message)

    async def host_get_network_capabilities(self) -> dict[str, Any]:
        """The networks' part of getCapabilities."""
        return {
            **await in_thread(lambda: report.capabilities(self._networks.view())),
            "supportsIPv6": os.path.exists("/proc/net/if_inet6"),
            "netConfigDirty": str(self._networks.dirty),
        }

    async def host_get_network_statistics(self) -> dict[str, Any]:
        """The networks' part of getStats."""
        network = report.statistics(await in_thread(self._networks.snapshot), time.time())
        return {"network": network, **totals(network)}

    async def host_get_lldp(self, filter: Any = None) -> dict[str, Any]:
        """What neighbours say of themselves: nothing, where no lldpad listens."""
        links = await in_thread(self._networks.snapshot)
        given = filter.get("devices") if isinstance(filter, Mapping) else None
        wanted = [n for n, link in links.items() if link.is_nic and (not given or n in given)]
        return {name: {"enabled": "false", "tlvs": []} for name in wanted}
