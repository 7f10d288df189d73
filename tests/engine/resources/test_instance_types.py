"""VMs that name an instance type get its sizes and devices, where they do not say their own."""

from tests.engine.resources.lab import GIB, made
from tests.installation import Installation


def test_a_vm_takes_over_what_it_does_not_say_itself(lab: Installation) -> None:
    with lab.client() as client:
        body = {
            "name": "sized",
            "memory": str(3 * GIB),
            "memory_policy": {"guaranteed": str(GIB), "max": str(4 * GIB)},
            "cpu": {"topology": {"sockets": "2", "cores": "3", "threads": "1"}},
            "high_availability": {"enabled": "true", "priority": "50"},
        }
        kind = made(client.post("/instancetypes", json=body))["id"]
        made(client.post(f"/instancetypes/{kind}/watchdogs", json={"model": "i6300esb", "action": "pause"}))
        for protocol in ("spice", "vnc"):
            made(client.post(f"/instancetypes/{kind}/graphicsconsoles", json={"protocol": protocol}))
        again = client.post(f"/instancetypes/{kind}/graphicsconsoles", json={"protocol": "vnc"})
        assert again.status_code == 409
        base = {"cluster": {"name": "Default"}, "template": {"name": "Blank"}}
        vm = made(client.post("/vms", json={**base, "name": "whole", "instance_type": {"name": "sized"}}))
        assert vm["instance_type"]["id"] == kind and vm["memory"] == str(3 * GIB)
        assert vm["memory_policy"]["guaranteed"] == str(GIB) and vm["memory_policy"]["max"] == str(4 * GIB)
        assert vm["cpu"]["topology"] == {"sockets": "2", "cores": "3", "threads": "1"}
        assert vm["high_availability"] == {"enabled": "true", "priority": "50"}
        watchdogs = client.get(f"/vms/{vm['id']}/watchdogs").json()["watchdog"]
        assert [w["action"] for w in watchdogs] == ["pause"]
        consoles = client.get(f"/vms/{vm['id']}/graphicsconsoles").json()["graphics_console"]
        assert {c["protocol"] for c in consoles} == {"spice", "vnc"}
        own = {"memory": str(2 * GIB), "cpu": {"topology": {"sockets": "1"}}, "instance_type": {"id": kind}}
        other = made(client.post("/vms", json={**base, "name": "partly", **own}))
        assert other["memory"] == str(2 * GIB) and other["cpu"]["topology"]["cores"] == "3"
        assert other["cpu"]["topology"]["sockets"] == "1"
        unknown = client.post("/vms", json={**base, "name": "lost", "instance_type": {"name": "nothing"}})
        assert unknown.status_code == 404 and "nothing" in unknown.json()["detail"]
        for one in (vm, other):
            assert client.delete(f"/vms/{one['id']}").status_code == 200
        assert client.delete(f"/instancetypes/{kind}").status_code == 200
