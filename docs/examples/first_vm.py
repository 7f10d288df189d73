#!/usr/bin/env python3
"""A VM's whole life through oVirt's own SDK: made from template `tiny`, started, looked at, shut down, removed.

    first_vm.py UP.json        what `./ovis up --json` printed, in a file; "-" reads it from standard input

Needs ovirt-engine-sdk-python (4.6), which any program for oVirt uses; nothing of Ovis.
"""

import json
import sys
import time
from pathlib import Path

import ovirtsdk4
from ovirtsdk4 import types


def wait(what, ready, limit=120):
    """Ask until `ready()` gives something; what it gave."""
    deadline = time.monotonic() + limit
    while not (found := ready()):
        if time.monotonic() > deadline:
            sys.exit(f"{what}: not within {limit} s")
        time.sleep(0.5)
    print(f"{what}: {found}", flush=True)
    return found


def main(argv):
    """The walk-through."""
    text = sys.stdin.read() if argv[1:] == ["-"] else Path(argv[1]).read_text()
    place = json.loads(text)
    connection = ovirtsdk4.Connection(
        url=place["api_v4"],
        username=place["user"],
        password=Path(place["password_file"]).read_text().strip(),
        ca_file=place["ca_file"],
    )
    vms = connection.system_service().vms_service()
    vm = vms.add(
        types.Vm(
            name=f"first-{int(time.time())}",
            cluster=types.Cluster(name="Default"),
            template=types.Template(name="tiny"),
        )
    )
    service = vms.vm_service(vm.id)
    wait("disk ready", lambda: service.get().status == types.VmStatus.DOWN)
    service.start()
    begun = time.monotonic()
    wait("up", lambda: service.get().status == types.VmStatus.UP)

    def address():
        devices = service.reported_devices_service().list()
        ips = [ip.address for device in devices for ip in device.ips or [] if ip.version == types.IpVersion.V4]
        return next((ip for ip in ips if not ip.startswith("127.")), None)

    wait("address", address)
    print(f"seconds from start to an address: {time.monotonic() - begun:.1f}")
    console = next(
        console
        for console in service.graphics_consoles_service().list(current=True)
        if console.protocol == types.GraphicsType.VNC
    )
    ticket = service.graphics_consoles_service().console_service(console.id).ticket()
    print(f"console: vnc://{console.address}:{console.port}, a password for {ticket.expiry} s")
    service.shutdown()
    wait("down", lambda: service.get().status == types.VmStatus.DOWN)
    service.remove()
    wait("removed", lambda: not vms.list(search=f"name={vm.name}"))
    connection.close()


if __name__ == "__main__":
    main(sys.argv)
