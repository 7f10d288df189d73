"""The ring of changes and what is made of several changes of one object."""

from ovis.engine.events.ring import Ring, Told, gathered


def changed(id_: str, **values: str) -> Told:
    return Told(kind="changed", type="vms", id=id_, fields=tuple(values), values=dict(values))


def test_a_reader_gets_what_it_missed_or_is_told_that_nobody_knows() -> None:
    ring = Ring(10)
    for n in range(25):
        ring.append(changed(str(n)))
    assert [t.id for t in ring.since(20) or ()] == ["20", "21", "22", "23", "24"]
    assert ring.since(25) == [] and len(ring.since(15) or ()) == 10
    assert ring.since(14) is None and ring.since(26) is None and ring.since(-1) is None
    assert len(ring) < 20
    ring.skip()
    assert ring.since(25) is None and ring.since(26) == []


def test_changes_of_one_object_become_one_with_its_last_state() -> None:
    first = Told(kind="changed", type="vms", id="a", fields=("status",), values={"status": "up"}, version=1)
    emptied = Told(kind="changed", type="vms", id="a", fields=("host", "status"), emptied=("host",), version=2)
    emptied.values = {"status": "down"}
    assert gathered([first, changed("b", name="x"), emptied]) == {
        "changed": [
            {"type": "vms", "id": "b", "fields": ("name",), "values": {"name": "x"}},
            {
                "type": "vms",
                "id": "a",
                "version": 2,
                "fields": ("status", "host"),
                "emptied": ("host",),
                "values": {"status": "down"},
            },
        ]
    }
    back = Told(kind="changed", type="vms", id="a", fields=("host",), values={"host": "h"})
    (item,) = gathered([emptied, back])["changed"]
    assert item["values"] == {"status": "down", "host": "h"} and "emptied" not in item
    unknown = Told(kind="changed", type="vms", id="a", fields=None)
    assert gathered([first, unknown])["changed"][0]["fields"] is None


def test_comings_and_goings_cancel_what_was_between() -> None:
    added = Told(kind="added", type="vms", id="a", values={"name": "n"})
    removed = Told(kind="removed", type="vms", id="a")
    assert gathered([added, changed("a", name="m")]) == {"added": [{"type": "vms", "id": "a", "values": {"name": "m"}}]}
    assert gathered([added, changed("a", name="m"), removed]) == {"removed": [{"type": "vms", "id": "a"}]}
    assert gathered([removed, added])["changed"] == [{"type": "vms", "id": "a", "fields": None}]
    assert gathered([Told(kind="rights", type="permissions", id="u")]) == {}
