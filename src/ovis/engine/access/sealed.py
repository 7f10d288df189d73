"""Secrets that the engine must be able to read again (passwords of fence agents), sealed with a key of the installation.

Does: make and read the key (DATA/secrets.key, 0600), seal and open texts by AES-GCM, each bound to the row it is of.
Does not: hide them from who reads both the data folder and the database. Engines that share a database share the key.
"""

import base64
import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ovis.engine.declare.faults import Fault

_MARK = "sealed:1:"
_NONCE = 12


class Unreadable(Fault):
    """A secret was sealed with another installation's key."""

    status = 500


def is_sealed(text: str) -> bool:
    """Whether a text was sealed."""
    return text.startswith(_MARK)


def key_of(folder: Path) -> bytes:
    """The installation's key, made on first use; whoever comes second takes what the first made."""
    file = folder / "secrets.key"
    if not file.exists():
        mine = folder / f".secrets.key.{os.getpid()}"
        descriptor = os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.write(base64.b64encode(AESGCM.generate_key(256)) + b"\n")
            out.flush()
            os.fsync(out.fileno())
        try:
            os.link(mine, file)
        except FileExistsError:
            pass
        finally:
            mine.unlink()
    return base64.b64decode(file.read_bytes())


class Secrets:
    """Seals and opens. key: 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._box = AESGCM(key)

    def seal(self, text: str, of: str) -> str:
        """of: the id of the row that it belongs to."""
        nonce = os.urandom(_NONCE)
        sealed = nonce + self._box.encrypt(nonce, text.encode(), of.encode())
        return _MARK + base64.b64encode(sealed).decode()

    def open(self, text: str, of: str) -> str:
        """What was sealed. Unreadable if it was another's, or another row's."""
        if not is_sealed(text):
            raise Unreadable("A secret in the database is not sealed: run `ovis-engine setup`.")
        found = base64.b64decode(text.removeprefix(_MARK))
        try:
            return self._box.decrypt(found[:_NONCE], found[_NONCE:], of.encode()).decode()
        except InvalidTag as err:
            raise Unreadable("A secret was sealed with another key: DATA/secrets.key is not of this database.") from err
