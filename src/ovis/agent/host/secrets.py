"""Secrets that storage needs on a host: keys of Ceph, passwords of iSCSI portals.

Does: hand them to libvirt, which keeps them in memory only and gives them to nobody but QEMU. Does not: log them, or
write them down. Follows: VDSM's verbs; only secrets of usage `ovirt/...` are ours to clear.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID
from xml.etree.ElementTree import Element, SubElement, tostring

import libvirt
import structlog

from ovis.agent.virt.link import Link, reason
from ovis.contract.errors import Code, VerbError

log = structlog.get_logger(__name__)
OURS = "ovirt/"
_PLACE = {"ceph": "name", "iscsi": "target", "volume": "volume"}


def secret_id(value: Any) -> str:
    """An id as libvirt writes it; SECRET_WRONG if it is none. Pure."""
    try:
        return str(UUID(str(value)))
    except ValueError as err:
        raise VerbError(Code.SECRET_WRONG, "The uuid of a secret is no UUID.") from err


def read(row: Mapping[str, Any]) -> tuple[str, str, bytes]:
    """(id, libvirt's XML, the secret itself). SECRET_WRONG without a word of the secret. Pure."""
    kind, usage = str(row.get("usageType", "")), str(row.get("usageID") or "")
    if kind not in _PLACE or not usage:
        raise VerbError(Code.SECRET_WRONG, f"A secret needs a usageID and a usageType of {', '.join(_PLACE)}.")
    uuid = secret_id(row.get("uuid"))
    try:
        value = base64.b64decode(str(row.get("password") or ""), validate=True)
    except binascii.Error as err:
        raise VerbError(Code.SECRET_WRONG, f"The password of secret {uuid} is not base64.") from err
    root = Element("secret", {"ephemeral": "yes", "private": "yes"})
    SubElement(root, "uuid").text = uuid
    if row.get("description"):
        SubElement(root, "description").text = str(row["description"])
    SubElement(SubElement(root, "usage", {"type": kind}), _PLACE[kind]).text = usage
    return uuid, tostring(root, encoding="unicode"), value


class SecretVerbs:
    """The verbs."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def host_register_secrets(self, secrets: Sequence[Mapping[str, Any]], clear: Any = False) -> None:
        """All are checked before the first is registered; the same one again takes the new value."""
        wanted = [read(row or {}) for row in secrets]
        if clear is True or str(clear).lower() == "true":
            await self._ask(Code.SECRET_UNREGISTRATION, _clear)
        for uuid, xml, value in wanted:
            await self._ask(Code.SECRET_REGISTRATION, _register, xml, value)
            log.info("secret registered", uuid=uuid)

    async def host_unregister_secrets(self, uuids: Sequence[str]) -> None:
        """Those that are not there are no error."""
        for uuid in [secret_id(u) for u in uuids]:
            await self._ask(Code.SECRET_UNREGISTRATION, _unregister, uuid)

    async def _ask(self, code: int, work: Any, *args: Any) -> None:
        try:
            await self._link.call(work, *args)
        except libvirt.libvirtError as err:
            raise VerbError(code, reason(err)) from None


def _register(connection: Any, xml: str, value: bytes) -> None:
    connection.secretDefineXML(xml).setValue(value)


def _unregister(connection: Any, uuid: str) -> None:
    try:
        connection.secretLookupByUUIDString(uuid).undefine()
    except libvirt.libvirtError as err:
        if err.get_error_code() != libvirt.VIR_ERR_NO_SECRET:
            raise


def _clear(connection: Any) -> None:
    for secret in connection.listAllSecrets():
        if secret.usageID().startswith(OURS):
            secret.undefine()
