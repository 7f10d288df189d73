"""The engine's settings: one struct, read once, passed down.

Does: read DATA/ovis.toml, then OVIS_* variables, then flags; describe itself. Does not: hold secrets (files do).
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import msgspec
from msgspec import Meta, Struct


class Settings(Struct, kw_only=True, frozen=True):
    """Every setting with its default; the text is its documentation."""

    data: Annotated[str, Meta(description="Folder of the database, keys and logs")]
    db: Annotated[str, Meta(description="Database URL; empty: SQLite in the data folder")] = ""
    listen: Annotated[str, Meta(description="Address to listen on; loopback by default")] = "127.0.0.1"
    port: Annotated[int, Meta(description="Port of the API and web admin")] = 8443
    fqdn: Annotated[str, Meta(description="Name by which clients reach the engine; goes into its certificate")] = ""
    vds_refresh_seconds: Annotated[float, Meta(description="How often a host that is not yet up is asked")] = 3.0
    host_stats_seconds: Annotated[float, Meta(description="How often an up host's statistics are read")] = 15.0
    vm_stats_seconds: Annotated[float, Meta(description="How often all VMs of a host are read, besides events")] = 15.0
    host_grace_seconds: Annotated[float, Meta(description="Silence after which a host is non-responsive")] = 60.0
    call_timeout_seconds: Annotated[float, Meta(description="Longest wait for an answer of a host")] = 180.0
    balance_seconds: Annotated[float, Meta(description="How often load balancing and affinity rules move VMs")] = 60.0
    balance_moves: Annotated[int, Meta(description="How many VMs of a cluster a round may move")] = 1
    balance_back_minutes: Annotated[float, Meta(description="How long a moved VM does not go back")] = 10.0
    scheduler_proxy_url: Annotated[str, Meta(description="Where users' scheduling modules run; empty: nowhere")] = ""
    scheduler_proxy_seconds: Annotated[float, Meta(description="Longest wait for users' scheduling modules")] = 10.0
    scheduler_proxy_look_seconds: Annotated[float, Meta(description="How often it is asked what modules it has")] = 3.0
    session_idle_minutes: Annotated[
        int, Meta(ge=1, description="Minutes without use after which a browser's session ends")
    ] = 30
    fence_quiet_after_start_seconds: Annotated[
        float, Meta(description="How long after its start the engine fences no host")
    ] = 300.0
    fence_quiet_seconds: Annotated[float, Meta(description="Least time between two fencings of a host")] = 180.0
    reboot_seconds: Annotated[float, Meta(description="How long a host that was fenced may take to come back")] = 600.0
    soft_fence_command: Annotated[
        str, Meta(description="What restarts a lost host's agent, over SSH by the engine's key; empty: not tried")
    ] = "systemctl restart ovis-agent.service"
    kdump_address: Annotated[str, Meta(description="Address on which crash dumps of hosts are heard")] = "127.0.0.1"
    kdump_port: Annotated[int, Meta(description="UDP port on which crash dumps are heard (7410); 0: they are not")] = 0
    failed_start_minutes: Annotated[
        float, Meta(description="How long failed starts of VMs count against a host, and how long it is in error then")
    ] = 30.0
    event_days: Annotated[int, Meta(description="How long events are kept")] = 30
    max_vm_name: Annotated[int, Meta(description="Longest name of a VM")] = 64
    critical_space_gib: Annotated[int, Meta(description="Free space below which new disks are refused")] = 5
    ui_plugins_dir: Annotated[
        str, Meta(description="Descriptors and files of UI plugins; empty: ui-plugins in the data folder")
    ] = ""
    ui_plugins_config_dir: Annotated[
        str, Meta(description="The site's configuration of UI plugins; empty: etc/ui-plugins in the data folder")
    ] = ""
    console_ticket_seconds: Annotated[int, Meta(description="Validity of a console password")] = 120

    @property
    def folder(self) -> Path:
        """The data folder."""
        return Path(self.data)

    @property
    def ui_plugins_folder(self) -> Path:
        """Where UI plugins are."""
        return Path(self.ui_plugins_dir) if self.ui_plugins_dir else self.folder / "ui-plugins"

    @property
    def ui_plugins_config_folder(self) -> Path:
        """Where UI plugins are configured."""
        return Path(self.ui_plugins_config_dir) if self.ui_plugins_config_dir else self.folder / "etc" / "ui-plugins"

    @property
    def database_url(self) -> str:
        """The database's URL."""
        return self.db or f"sqlite:///{self.folder / 'engine.db'}"


def _default_data() -> str:
    if os.geteuid() == 0:
        return "/var/lib/ovis"
    return str(Path(os.environ.get("XDG_STATE_HOME", Path.home() / ".local/state")) / "ovis")


def load(flags: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from file, environment and flags, the later winning. Unknown names in the file are refused."""
    env = os.environ if environment is None else environment
    names = {f.name for f in msgspec.structs.fields(Settings)}
    data = str(flags.get("data") or env.get("OVIS_DATA") or _default_data())
    values: dict[str, Any] = {}
    file = Path(data) / "ovis.toml"
    if file.exists():
        values.update(tomllib.loads(file.read_text(encoding="utf-8")))
        unknown = set(values) - names
        if unknown:
            raise ValueError(f"{file}: unknown settings {', '.join(sorted(unknown))}")
    values.update({n: env[f"OVIS_{n.upper()}"] for n in names if f"OVIS_{n.upper()}" in env})
    values.update({n: v for n, v in flags.items() if n in names and v is not None})
    values["data"] = str(Path(data).resolve())
    return msgspec.convert(values, Settings, strict=False)


def describe() -> str:
    """Name, default and meaning of every setting."""
    hints = get_type_hints(Settings, include_extras=True)
    lines = []
    for found in msgspec.structs.fields(Settings):
        meta = next(m for m in hints[found.name].__metadata__ if isinstance(m, Meta))
        default = "(required)" if found.required else repr(found.default)
        lines.append(f"{found.name:24} {default:16} {meta.description}")
    return "\n".join(lines)
