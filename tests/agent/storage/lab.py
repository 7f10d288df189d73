"""Hosts with real storage for tests: folders, qemu-img and the verbs as the dispatcher calls them."""

import asyncio
import json
import subprocess
import sys
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ovis.agent.driver import Publish
from ovis.agent.main.identity import Identity
from ovis.agent.main.settings import AgentSettings
from ovis.agent.storage.files import FileStorage
from ovis.agent.verbs.dispatch import Dispatcher
from ovis.contract.errors import VerbError

BLANK = "00000000-0000-0000-0000-000000000000"
MIB = 1 << 20


def new_id() -> str:
    """An id as engines make them."""
    return str(uuid.uuid4())


class StorageDriver:
    """A driver of storage alone."""

    recovering = False

    def __init__(self, data: Path) -> None:
        settings = AgentSettings(data=str(data))
        self.storage = FileStorage(settings, Identity(settings.folder))

    @property
    def parts(self) -> Sequence[object]:
        return (self.storage,)

    async def start(self, publish: Publish) -> None:
        await self.storage.start()

    async def stop(self) -> None:
        await self.storage.stop()


class Host:
    """One host. data: its own folder, kept over restarts."""

    def __init__(self, data: Path, number: int = 1) -> None:
        self.data = data
        self.number = number
        self.driver = StorageDriver(data)
        self._dispatcher = Dispatcher(self.driver)

    @property
    def storage(self) -> FileStorage:
        return self.driver.storage

    async def start(self) -> "Host":
        await self.driver.start(lambda event_id, body: None)
        return self

    async def stop(self) -> None:
        await self.driver.stop()

    async def restart(self) -> None:
        await self.stop()
        self.driver = StorageDriver(self.data)
        self._dispatcher = Dispatcher(self.driver)
        await self.start()

    async def call(self, verb: str, **params: Any) -> Any:
        return await self._dispatcher.call(verb, params)

    async def code(self, verb: str, **params: Any) -> int:
        """The code with which the verb is refused; 0 if it is not."""
        try:
            await self.call(verb, **params)
        except VerbError as err:
            return err.code
        return 0

    async def outcome(self, verb: str, **params: Any) -> Mapping[str, Any]:
        """The end of a task verb, cleared."""
        return await self.end(await self.call(verb, **params))

    async def end(self, task_id: str) -> Mapping[str, Any]:
        """A task's last status; it is cleared."""
        while True:
            status: Mapping[str, Any] = await self.call("Task.getStatus", taskID=task_id)
            if status["taskState"] == "finished":
                await self.call("Task.clear", taskID=task_id)
                return status
            await asyncio.sleep(0.01)

    async def done(self, verb: str, **params: Any) -> None:
        """A task verb that must succeed."""
        status = await self.outcome(verb, **params)
        assert (status["code"], status["taskResult"]) == (0, "success"), status

    async def job(self, job_id: str) -> tuple[Mapping[str, Any], list[int]]:
        """A job's last row, and the progress that was seen."""
        seen: list[int] = []
        while True:
            row: Mapping[str, Any] = (await self.call("Host.getJobs", job_type="storage", job_ids=[job_id]))[job_id]
            if row.get("progress") is not None and row["progress"] not in seen:
                seen.append(row["progress"])
            if row["status"] not in ("pending", "running"):
                return row, seen
            await asyncio.sleep(0.005)


class Pool:
    """A pool on a host, as an engine makes it."""

    def __init__(self, host: Host, folder: Path, kind: int = 4, params: Mapping[str, str] | None = None) -> None:
        self.host, self.folder, self.kind = host, folder, kind
        self.id, self.domain = new_id(), new_id()
        self.connection = {"id": new_id(), "connection": str(folder)} | dict(params or {})

    async def create(self, lease: int = 60, renewal: int = 5) -> "Pool":
        await self.add_domain(self.host, self.domain)
        await self.host.call(
            "StoragePool.create",
            storagepoolID=self.id,
            name="Default",
            masterSdUUID=self.domain,
            masterVersion=1,
            domainList=[self.domain],
            lockRenewalIntervalSec=renewal,
            leaseTimeSec=lease,
            ioOpTimeoutSec=10,
            leaseRetries=3,
        )
        await self.connect(self.host)
        await self.manage(self.host)
        await self.host.call("StorageDomain.activate", storagedomainID=self.domain, storagepoolID=self.id)
        return self

    async def add_domain(self, host: Host, domain_id: str) -> None:
        await self.connect_server(host)
        await host.call(
            "StorageDomain.create",
            storagedomainID=domain_id,
            domainType=self.kind,
            typeArgs=self.connection["connection"],
            name="data",
            domainClass=1,
            version="5",
            blockSize=512,
            maxHosts=250,
        )

    async def connect_server(self, host: Host) -> None:
        rows = await host.call(
            "StoragePool.connectStorageServer",
            storagepoolID=self.id,
            domainType=self.kind,
            connectionParams=[self.connection],
        )
        assert rows == [{"id": self.connection["id"], "status": 0}]

    async def connect(
        self, host: Host, version: int = 1, master: str = "", others: Mapping[str, str] | None = None
    ) -> None:
        await self.connect_server(host)
        await host.call(
            "StoragePool.connect",
            storagepoolID=self.id,
            hostID=host.number,
            scsiKey=self.id,
            masterSdUUID=master or self.domain,
            masterVersion=version,
            domainDict={self.domain: "active"} | dict(others or {}),
        )

    def election(self) -> dict[str, Any]:
        return {
            "storagepoolID": self.id,
            "prevID": -1,
            "prevLver": -1,
            "enableScsiFencing": "false",
            "maxHostID": 250,
            "domVersion": 5,
        }

    async def manage(self, host: Host) -> None:
        await host.done("StoragePool.spmStart", **self.election())

    async def status(self, host: Host) -> str:
        found = await host.call("StoragePool.getSpmStatus", storagepoolID=self.id)
        return str(found["spmStatus"])

    def ids(self, image: str, volume: str = "", domain: str = "") -> dict[str, str]:
        found = {"storagepoolID": self.id, "storagedomainID": domain or self.domain, "imageID": image}
        return found | ({"volumeID": volume} if volume else {})

    def creation(
        self,
        image: str,
        volume: str,
        size: int,
        *,
        form: int = 4,
        preallocate: int = 2,
        parent: tuple[str, str] = (BLANK, BLANK),
        **others: Any,
    ) -> dict[str, Any]:
        """Parameters of Volume.create."""
        return self.ids(image, volume) | {
            "size": str(size),
            "volFormat": form,
            "preallocate": preallocate,
            "diskType": "DATA",
            "desc": '{"DiskAlias":"d","DiskDescription":""}',
            "srcImgUUID": parent[0],
            "srcVolUUID": parent[1],
            **others,
        }

    async def volume(self, size: int, **others: Any) -> tuple[str, str]:
        """A new volume in an image of its own: (image, volume)."""
        image, volume = new_id(), new_id()
        await self.host.done("Volume.create", **self.creation(image, volume, size, **others))
        return image, volume

    async def info(self, image: str, volume: str) -> Any:
        return await self.host.call("Volume.getInfo", **self.ids(image, volume))

    def file(self, image: str, volume: str) -> Path:
        return self.folder / self.domain / "images" / image / volume

    def end(self, image: str, volume: str, generation: int | None = 0) -> dict[str, Any]:
        """An endpoint of an SDM verb."""
        end = {"endpoint_type": "div", "sd_id": self.domain, "img_id": image, "vol_id": volume}
        return end | ({} if generation is None else {"generation": generation})


def qemu_io(path: Path, *commands: str, form: str) -> None:
    """Write into an image as a guest would."""
    argv = ["qemu-io", "-f", form]
    for command in commands:
        argv += ["-c", command]
    subprocess.run([*argv, str(path)], check=True, capture_output=True, timeout=60)


def same_content(left: Path, left_form: str, right: Path, right_form: str) -> bool:
    """Whether two images show the same to a guest."""
    argv = ["qemu-img", "compare", "-f", left_form, "-F", right_form, str(left), str(right)]
    return subprocess.run(argv, capture_output=True, timeout=60).returncode == 0


def qemu_img(*args: str) -> None:
    """Change an image behind the agent's back."""
    subprocess.run(["qemu-img", *args], check=True, capture_output=True, timeout=60)


class HostProcess:
    """A host in another process (agent_process.py)."""

    def __init__(self, data: Path, number: int) -> None:
        self.data, self.number = data, number
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> "HostProcess":
        root = Path(__file__).parents[3]
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(Path(__file__).with_name("agent_process.py")),
            str(self.data),
            str(self.number),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={"PYTHONPATH": f"{root}:{root}/src", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        )
        return self

    async def call(self, verb: str, **params: Any) -> Any:
        """The verb's answer; VerbError as the host raised it."""
        assert self._process is not None and self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps([verb, params]).encode() + b"\n")
        while line := await self._process.stdout.readline():
            if line.startswith(b"="):
                answer = json.loads(line[1:])
                if "code" in answer:
                    raise VerbError(answer["code"], answer["message"])
                return answer["result"]
        raise AssertionError("the host's process ended")

    async def done(self, verb: str, **params: Any) -> None:
        """A task verb that must succeed."""
        status = await self.call("end", task=await self.call(verb, **params))
        assert status["code"] == 0, status

    async def kill(self) -> None:
        """kill -9."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def freeze(self, number: int) -> None:
        """Send the process a signal."""
        assert self._process is not None
        self._process.send_signal(number)
