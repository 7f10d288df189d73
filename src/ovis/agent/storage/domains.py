"""File domains: a folder `<mount>/<domain id>` with dom_md/metadata and images/.

Does: make, find, read, change and format domains; list what lies in them. Does not: pools, volumes' contents.
Follows: VDSM's layout and key names of file domains.
"""

import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ovis.agent.storage import checks, records
from ovis.contract.errors import Code, VerbError

TYPES = {1: "NFS", 4: "LOCALFS", 6: "POSIXFS"}
CLASSES = {1: "DATA", 2: "ISO", 3: "BACKUP"}
VERSIONS = (0, 2, 3, 4, 5)
MASTER, REGULAR = "Master", "Regular"
GONE = "_remove_me_"  # an image that is being deleted
CREATING = ".creating"  # beside a volume's data until its metadata is written
BLOCK_SIZE, ALIGNMENT = 512, 1048576
MASTER_KEYS = (
    "MASTER_VERSION", "POOL_DESCRIPTION", "POOL_DOMAINS", "LEASETIMESEC", "LOCKRENEWALINTERVALSEC",
    "IOOPTIMEOUTSEC", "LEASERETRIES",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FileDomain:
    """One domain. path: its real folder, without links, so that hosts that see the same folder name it alike."""

    id: str
    path: Path

    @property
    def md(self) -> Path:
        """Folder of metadata and leases."""
        return self.path / "dom_md"

    @property
    def images(self) -> Path:
        """Folder of images."""
        return self.path / "images"

    def facts(self) -> dict[str, str]:
        """Its metadata. VerbError if it cannot be read."""
        try:
            return records.read_pairs(self.md / "metadata")
        except FileNotFoundError as err:
            raise missing(self.id) from err
        except OSError as err:
            raise checks.from_os(err, f"Storage domain {self.id} cannot be read") from err

    def change(self, changes: Mapping[str, object], drop: tuple[str, ...] = ()) -> None:
        """Change its metadata."""
        facts: dict[str, object] = {k: v for k, v in self.facts().items() if k not in drop}
        now = {k: checks.one_line(v, 1 << 16) for k, v in changes.items()}
        if facts | now == facts and not drop:
            return
        try:
            records.write_pairs(self.md / "metadata", facts | now)
        except OSError as err:
            raise checks.from_os(err, f"Storage domain {self.id} cannot be written") from err

    def image_ids(self) -> list[str]:
        """Images, without those that are being deleted."""
        return sorted(name for name in _names(self.images) if checks.is_id(name))

    def volume_ids(self, image_id: str) -> list[str]:
        """Volumes of an image: those that have metadata."""
        names = _names(self.images / image_id)
        return sorted(n.removesuffix(".meta") for n in names if n.endswith(".meta") and checks.is_id(n[:-5]))

    def space(self) -> tuple[int, int]:
        """(total, free) bytes."""
        try:
            found = os.statvfs(self.path)
        except FileNotFoundError as err:
            raise missing(self.id) from err
        except OSError as err:
            raise checks.from_os(err, f"Storage domain {self.id} cannot be measured") from err
        return found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize

    def sweep(self) -> list[str]:
        """Remove what dead tasks left: half-deleted images and volumes that were never finished. Only for the manager."""
        removed = []
        for name in _names(self.images):
            folder = self.images / name
            if name.startswith(GONE):
                shutil.rmtree(folder, ignore_errors=True)
                removed.append(name)
            elif checks.is_id(name) and not folder.is_symlink():
                removed += [f"{name}/{v}" for v in _sweep_image(folder)]
        return removed


def _sweep_image(folder: Path) -> list[str]:
    removed = []
    for name in _names(folder):
        if name.endswith(CREATING) and checks.is_id(name.removesuffix(CREATING)):
            volume = name.removesuffix(CREATING)
            if not (folder / f"{volume}.meta").exists():
                (folder / volume).unlink(missing_ok=True)
                removed.append(volume)
            (folder / name).unlink(missing_ok=True)
    if removed and not _names(folder):
        folder.rmdir()
    return removed


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as err:
        raise checks.from_os(err, f"{folder.name} cannot be read") from err


def missing(domain_id: str) -> VerbError:
    """There is no such domain on what is connected."""
    return VerbError(Code.STORAGE_DOMAIN_MISSING, f"Storage domain does not exist: {domain_id}")


def in_folder(mount: Path) -> Iterator[FileDomain]:
    """Domains in a mount or directory."""
    real = mount.resolve()
    for name in _names(real):
        folder = real / name
        if checks.is_id(name) and not folder.is_symlink() and (folder / "dom_md/metadata").exists():
            yield FileDomain(name, folder)


def create(
    mount: Path, domain_id: str, *, kind: str, name: str, domain_class: str, version: int, remote: str
) -> FileDomain:
    """A new domain; it appears whole or not at all."""
    for found in in_folder(mount):
        if found.id == domain_id:
            raise VerbError(Code.STORAGE_DOMAIN_EXISTS, f"Storage domain already exists: {domain_id}")
        raise VerbError(Code.STORAGE_DOMAIN_NOT_EMPTY, f"{remote} already holds storage domain {found.id}")
    real = mount.resolve()
    target = real / domain_id
    beside = real / f".{domain_id}.{uuid.uuid4().hex[:8]}.new"
    facts = {
        "CLASS": domain_class.capitalize(),
        "DESCRIPTION": checks.one_line(name),
        "POOL_UUID": "",
        "REMOTE_PATH": remote,
        "ROLE": REGULAR,
        "SDUUID": domain_id,
        "TYPE": kind,
        "VERSION": version,
        "ALIGNMENT": ALIGNMENT,
        "BLOCK_SIZE": BLOCK_SIZE,
    }
    try:
        for old in real.glob(f".{domain_id}.*.new"):
            shutil.rmtree(old)
        if target.exists() or target.is_symlink():
            raise VerbError(Code.STORAGE_DOMAIN_CREATION, f"{target} is in the way")
        (beside / "dom_md").mkdir(parents=True)
        (beside / "images").mkdir()
        records.write_pairs(beside / "dom_md/metadata", facts)
        os.rename(beside, target)
        records.sync_folder(real)
    except OSError as err:
        shutil.rmtree(beside, ignore_errors=True)
        raise checks.from_os(err, f"Storage domain {domain_id} cannot be made at {remote}") from err
    return FileDomain(domain_id, target)


def remove(domain: FileDomain) -> None:
    """Delete a domain's folder, and nothing else."""
    if domain.path.is_symlink() or domain.facts().get("SDUUID", domain.id) != domain.id:
        raise VerbError(Code.STORAGE_DOMAIN_METADATA, f"{domain.path} does not look like storage domain {domain.id}")
    gone = domain.path.with_name(f".{domain.id}.{uuid.uuid4().hex[:8]}.gone")
    try:
        os.rename(domain.path, gone)
        shutil.rmtree(gone)
    except OSError as err:
        raise checks.from_os(err, f"Storage domain {domain.id} cannot be deleted") from err


def pool_domains(facts: Mapping[str, str]) -> dict[str, str]:
    """The pool's domains as its master lists them: id -> Active or Attached."""
    rows = (entry.partition(":") for entry in facts.get("POOL_DOMAINS", "").split(",") if entry)
    return {domain_id: status for domain_id, _, status in rows if checks.is_id(domain_id)}


def pool_domains_text(rows: Mapping[str, str]) -> str:
    """The list as a master keeps it."""
    return ",".join(f"{domain_id}:{status}" for domain_id, status in rows.items())


def as_int(facts: Mapping[str, str], key: str, default: int = 0) -> int:
    """A number of the metadata."""
    text = facts.get(key, "")
    return int(text) if text.lstrip("-").isdigit() else default
