"""Starting a VM through the API against `virsh create` of the very same domain on the same host. Goal: 150 ms more.

Does: one real host of a rack, a small guest, starts by both ways in turn; wall time until the domain runs. Needs root, libvirt.
"""

import statistics
import tempfile
import time
from pathlib import Path

from tests.agent.rack import missing
from tests.installation import until
from tests.real_rack import real_place

_ROUNDS = 7


def main() -> None:
    """Measure and print."""
    why = missing()
    if why:
        print(f"skipped: {why}")
        return
    with (
        tempfile.TemporaryDirectory() as name,
        real_place(Path(name), hosts=1) as place,
        place.engine.client() as client,
    ):
        vm = place.add_guest(client, "bench")
        xml = place.rack.dir / "bench.xml"
        by_api, by_virsh = [], []
        for _ in range(_ROUNDS):
            begun = time.monotonic()
            assert client.post(f"/vms/{vm}/start", json={}).status_code < 300
            while place.status(client, vm) not in ("powering_up", "up"):
                time.sleep(0.005)
            by_api.append(time.monotonic() - begun)
            xml.write_text(place.rack.virsh("h1", "dumpxml", "bench"))
            client.post(f"/vms/{vm}/stop", json={})
            until(lambda: place.status(client, vm) == "down", "a VM that is down")
            place.agents["h1"].stop()  # so that nobody else cares for the domain
            begun = time.monotonic()
            place.rack.virsh("h1", "create", str(xml))
            by_virsh.append(time.monotonic() - begun)
            place.rack.virsh("h1", "destroy", "bench")
            place.agents["h1"].start()
            until(lambda: client.get("/hosts").json()["host"][0]["status"] == "up", "the host up")
    api, virsh = statistics.median(by_api), statistics.median(by_virsh)
    print(
        f"start of a VM, median of {_ROUNDS}: API {api * 1e3:.0f} ms, virsh {virsh * 1e3:.0f} ms, "
        f"{(api - virsh) * 1e3:+.0f} ms, {api / virsh:.2f}x (goal +150 ms)"
    )


if __name__ == "__main__":
    main()
