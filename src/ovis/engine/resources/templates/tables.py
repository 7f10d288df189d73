"""Rows of templates: the API's document and the NICs that its VMs get."""

from msgspec import Struct

from ovis.engine.model.types import Nic, Template
from ovis.engine.store.tables import Column, Table, name_columns


class TemplateNic(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A NIC of a template; it has no MAC, the VMs' get theirs."""

    id: str
    template_id: str
    nic: Nic


def base_id(template: Template) -> str:
    """The base template of a version; a base is its own."""
    version = template.version
    base = version.base_template if version else None
    return str(base.id if base and base.id else template.id)


def number(template: Template) -> int:
    """Which version it is; the base is 1."""
    return (template.version.version_number if template.version else None) or 1


TEMPLATES = Table(
    name="templates",
    type=Template,
    columns=(
        *name_columns(),
        Column(name="cluster_id", path="cluster.id", references="clusters"),
        Column(name="base_id", value=base_id),
        Column(name="version_number", value=number, kind="int", index=False),
        Column(name="version_name", path="version.version_name", index=False),
        Column(name="status"),
        Column(name="description", index=False),
        Column(name="comment", index=False),
        Column(name="os_type", path="os.type", index=False),
        Column(name="memory", kind="int", index=False),
        Column(name="creation_time", kind="time", index=False),
        Column(name="architecture", path="cpu.architecture", index=False),
    ),
)
NICS = Table(
    name="template_nics",
    type=TemplateNic,
    columns=(
        Column(name="template_id", references="templates", on_delete="cascade"),
        Column(name="name_key", path="nic.name", key=True),
        Column(name="vnic_profile_id", path="nic.vnic_profile.id", references="vnic_profiles"),
    ),
    unique=(("template_id", "name_key"),),
)
TABLES = (TEMPLATES, NICS)
