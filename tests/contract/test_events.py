"""Events have shapes that are found by their ids."""

import pytest

from ovis.contract.checks import result
from ovis.contract.shapes.events import shape_of

VM = "00000000-0000-4000-8000-000000000001"


@pytest.mark.parametrize(
    ("event", "body"),
    [
        (f"|virt|VM_status|{VM}", {VM: {"status": "Up", "hash": "1"}}),
        (f"|virt|VM_migration_status|{VM}", {VM: {"progress": 5, "postcopy": False}}),
        ("|net|host_conn|no_id", {}),
        (f"|jobs|status|{VM}", {"id": VM, "status": "done", "job_type": "storage", "description": "copy_data"}),
    ],
)
def test_bodies_that_fit(event: str, body: object) -> None:
    assert list(result(shape_of(event), body)) == []


def test_a_row_that_is_not_below_its_vm_does_not_fit() -> None:
    assert list(result(shape_of(f"|virt|VM_status|{VM}"), {"status": "Up"}))


@pytest.mark.parametrize("event", ["", "|virt|VM_status", "virt|VM_status|x|", "|virt|other|x", "|a|b|c|d"])
def test_ids_that_nobody_knows(event: str) -> None:
    assert shape_of(event) is None
