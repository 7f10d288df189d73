"""`ovis-engine setup`: what an engine needs before it runs, made once and never overwritten.

Does: keys, database, first data, the admin's password (random, in a 0600 file). Does not: listen.
"""

import os
import secrets
import uuid
from pathlib import Path

from ovis.engine import resources
from ovis.engine.access import grants
from ovis.engine.access.directory import (
    full_name,
    hash_password,
    seed_admin,
)
from ovis.engine.access.sealed import Secrets, key_of
from ovis.engine.main.composition import open_store
from ovis.engine.main.pki import Pki, engine_names
from ovis.engine.main.settings import Settings
from ovis.engine.model.types import User
from ovis.engine.resources.hosts import fence_agents
from ovis.engine.store.database import forget_traces
from ovis.engine.store.session import Tx


def instance_id(folder: Path) -> str:
    """This installation's id, made on first use."""
    file = folder / "instance-id"
    if not file.exists():
        file.write_text(str(uuid.uuid4()) + "\n", encoding="ascii")
    return file.read_text(encoding="ascii").strip()


def write_secret(file: Path, text: str) -> None:
    """A file that only its owner may read."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text + "\n")


def run(settings: Settings) -> None:
    """Bring an installation to the state that `run` expects."""
    folder = settings.folder
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    Pki(folder / "pki").prepare(engine_names(settings.listen, settings.fqdn))
    identity = instance_id(folder)
    store = open_store(settings)
    try:
        from ovis.engine.store.migrations.run import upgrade

        upgrade(store.engine, store.schema.metadata)
        store.start()
        password_file = folder / "admin-password"
        wanted: str | None = None
        if store.read_now(lambda rd: rd.one(User, user_name=full_name("admin"))) is None:
            wanted = password_file.read_text().strip() if password_file.exists() else secrets.token_urlsafe(15)
        hashed = hash_password(wanted) if wanted else ""

        def seed(tx: Tx) -> None:
            grants.seed(tx)
            for each in resources.SEEDS:
                each(tx, identity)
            if wanted:
                seed_admin(tx, str(uuid.uuid4()), hashed)

        if wanted:
            write_secret(password_file, wanted)
        store.write_now(seed)
        sealing = Secrets(key_of(folder))
        if store.write_now(lambda tx: fence_agents.seal_all(tx, sealing)):
            forget_traces(store.engine)
    finally:
        store.close()
