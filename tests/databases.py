"""Databases for tests: SQLite in a file, and a PostgreSQL server of our own.

Does: start one PostgreSQL per test process, on a Unix socket alone, as a user that is not root; make an empty database
for each test. Does not: touch any server that runs already. The server dies with the process that started it.
"""

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path

KINDS = ("sqlite", "postgresql")
_PLACES = ("/usr/lib/postgresql", "/usr/local/pgsql", "/usr/pgsql")


class Missing(Exception):
    """There is no PostgreSQL here; says what was looked for."""


def wanted_kinds() -> tuple[str, ...]:
    """The kinds of databases to test: all, unless OVIS_TEST_DATABASES names fewer (`sqlite,postgresql`)."""
    given = os.environ.get("OVIS_TEST_DATABASES", "")
    chosen = tuple(kind.strip() for kind in given.split(",") if kind.strip())
    unknown = set(chosen) - set(KINDS)
    if unknown:
        raise ValueError(f"OVIS_TEST_DATABASES: {', '.join(sorted(unknown))} is none of {', '.join(KINDS)}")
    return chosen or KINDS


def _binaries() -> Path:
    """The folder of `initdb` and `postgres`; the newest version's."""
    found = [p for place in _PLACES for p in Path(place).glob("*/bin") if (p / "initdb").exists()]
    if found:
        return max(found, key=lambda p: [int(n) for n in p.parent.name.split(".") if n.isdigit()])
    on_path = shutil.which("initdb")
    if on_path and shutil.which("postgres", path=str(Path(on_path).resolve().parent)):
        return Path(on_path).resolve().parent
    raise Missing("PostgreSQL is not installed (no initdb on PATH or below /usr/lib/postgresql)")


def _user() -> pwd.struct_passwd:
    """Who runs the server: it refuses to be root."""
    if os.getuid() != 0:
        return pwd.getpwuid(os.getuid())
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Missing("running as root, and there is no user `postgres` or `nobody` to run PostgreSQL as")


class PostgresServer:
    """One server with its data below a folder of its own. `stop` and `start` may be repeated (restart tests)."""

    def __init__(self) -> None:
        self._bin = _binaries()
        self._user = _user()
        self.folder = Path(tempfile.mkdtemp(prefix="ovis-pg-"))
        os.chown(self.folder, self._user.pw_uid, self._user.pw_gid)
        self._process: subprocess.Popen[bytes] | None = None
        self._names = itertools.count(1)
        made = self._run("initdb", "-D", str(self.folder / "data"), "-A", "trust", "-E", "UTF8", "--no-locale", "-N")
        if made.returncode:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise Missing(f"initdb failed: {made.stdout.decode(errors='replace').strip()}")

    def _command(self, program: str, *arguments: str) -> list[str]:
        """The command line; the server gets SIGQUIT when the test process dies."""
        # The signal comes when the starting thread ends, so only the main one may ask for it.
        lifelong = threading.current_thread() is threading.main_thread()
        prefix = ["setpriv", *(("--pdeathsig", "QUIT") if lifelong else ())] if shutil.which("setpriv") else []
        if os.getuid() == 0:
            if not prefix:
                raise Missing("running as root, and there is no setpriv to start PostgreSQL as another user")
            prefix += [f"--reuid={self._user.pw_uid}", f"--regid={self._user.pw_gid}", "--clear-groups"]
        return [*prefix, str(self._bin / program), *arguments]

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            self._command(program, *arguments),
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"},
        )

    def start(self) -> None:
        """Start and wait until it answers."""
        settings = {"listen_addresses": "", "unix_socket_directories": str(self.folder), "max_connections": "60"}
        settings |= {"shared_buffers": "32MB", "log_min_messages": "fatal", "autovacuum": "off", "timezone": "UTC"}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command("postgres", "-D", str(self.folder / "data"), *options),
                cwd=self.folder,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"},
            )
        end = time.monotonic() + 60
        while self._run("pg_isready", "-q", "-h", str(self.folder)).returncode:
            if self._process.poll() is not None or time.monotonic() > end:
                text = (self.folder / "log").read_text(errors="replace")
                raise Missing(f"PostgreSQL did not start: {text[-1000:].strip()}")
            time.sleep(0.05)

    def stop(self, *, at_once: bool = False) -> None:
        """Stop it; at_once: as if the machine lost power (recovery at the next start)."""
        if self._process is None:
            return
        self._process.send_signal(3 if at_once else 2)  # SIGQUIT: immediate, SIGINT: fast
        self._process.wait(60)
        self._process = None

    def discard(self) -> None:
        """Stop it and remove everything."""
        self.stop(at_once=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def sql(self, statement: str, database: str = "postgres") -> None:
        """Run one statement as the superuser."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement.encode())

    def url(self, database: str) -> str:
        """The URL of a database of this server."""
        return f"postgresql://{self._user.pw_name}@/{database}?host={self.folder}"

    def create(self) -> str:
        """The name of a new, empty database. Its collation is C: whatever must not depend on it shows here."""
        name = f"test_{next(self._names)}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE template0")
        return name

    def drop(self, name: str) -> None:
        """Remove a database, whoever is connected."""
        self.sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
