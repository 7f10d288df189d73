"""What each type of fence agent calls things: the API's names become the parameters of its program. Pure.

Follows: fence agents of engine 4.5: their options' names, their defaults, and programs that stand in for others.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ovis.engine.model.types import Agent

_TRUE = ("true", "yes", "1")


@dataclass(frozen=True, slots=True)
class Kind:
    """options: the API's name -> the program's. defaults: parameters that are not given. program: another's that is run."""

    options: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    program: str = ""


_PORT, _SECURE, _SSL = {"port": "ipport"}, {"secure": "secure"}, {"secure": "ssl"}
KINDS: Mapping[str, Kind] = {
    "amt_ws": Kind(_PORT),
    "apc": Kind({**_SECURE, **_PORT, "slot": "port"}),
    "apc_snmp": Kind({"port": "port", "encrypt_options": "encrypt_options"}),
    "bladecenter": Kind({**_SECURE, **_PORT, "slot": "port"}),
    "cisco_ucs": Kind({**_SSL, "slot": "port"}),
    "drac5": Kind({**_SECURE, "slot": "port"}),
    "drac7": Kind(defaults={"privlvl": "OPERATOR", "lanplus": "1", "delay": "10"}, program="ipmilan"),
    "eps": Kind({"slot": "port"}),
    "hpblade": Kind({"port": "port"}),
    "ilo": Kind({**_SSL, **_PORT}),
    "ilo2": Kind({**_SSL, **_PORT}, program="ilo"),
    "ilo3": Kind(defaults={"power_wait": "4"}),
    "ilo4": Kind(defaults={"power_wait": "4"}),
    "ilo_ssh": Kind({"port": "port"}, {"secure": "1"}),
    "ipmilan": Kind(_PORT),
    "redfish": Kind({**_PORT, **_SSL}, {"ssl_insecure": "1"}),
    "rsa": Kind({**_SECURE, **_PORT}),
    "rsb": Kind(),
    "wti": Kind({**_SECURE, **_PORT, "slot": "port"}),
    # Of Debian's and Fedora's packages, with those programs' own names.
    "dummy": Kind(),
    "rhevm": Kind({**_PORT, **_SSL}),
    "virsh": Kind({**_PORT, **_SECURE}),
    "vmware_rest": Kind({**_PORT, **_SSL}),
    "xvm": Kind(),
}
SIMULATED = "simulated"  # of hosts of a simulated rack


def parameters(agent: Agent) -> dict[str, Any]:
    """Host.fenceNode's parameters of an agent, but for action, user and password."""
    kind = KINDS.get(agent.type or "", Kind())
    lines = dict(kind.defaults)
    port = agent.port or 0
    if port and kind.options.get("port", "ipport") != "ipport":
        lines[kind.options["port"]], port = str(port), 0
    secure = False
    for option in agent.options or ():
        name, value = str(option.name), str(option.value or "")
        own = kind.options.get(name, name)
        if own == "secure":
            secure = value.lower() in _TRUE
            continue
        lines[own] = value
    if agent.encrypt_options and "encrypt_options" in kind.options:
        lines[kind.options["encrypt_options"]] = "yes"
    return {
        "addr": agent.address,
        "port": port,
        "agent": kind.program or agent.type,
        "secure": secure,
        "options": "".join(f"{name}={value}\n" for name, value in lines.items()),
    }
