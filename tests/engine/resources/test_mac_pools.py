"""Ranges of MAC pools have nothing in common, within a pool and between pools."""

from typing import Any

import pytest

from ovis.engine.resources.mac_pools import _merged, _overlap
from tests.engine.resources.lab import made
from tests.installation import Installation


@pytest.mark.parametrize(
    ("ranges", "common"),
    [
        ([(1, 5), (6, 9)], None),
        ([(6, 9), (1, 6)], (6, 6)),
        ([(1, 100), (20, 30)], (20, 30)),
        ([(1, 3)], None),
        ([], None),
    ],
)
def test_what_ranges_have_in_common(ranges: list[tuple[int, int]], common: tuple[int, int] | None) -> None:
    assert _overlap(ranges) == common
    assert _overlap(_merged(ranges)) is None


def _pool(name: str, *ranges: tuple[str, str], **more: Any) -> dict[str, Any]:
    return {"name": name, "ranges": {"range": [{"from": a, "to": b} for a, b in ranges]}, **more}


def test_overlaps_are_refused_with_the_addresses_and_the_other_pool(lab: Installation) -> None:
    with lab.client() as client:
        pool = made(client.post("/macpools", json=_pool("first", ("00:1a:4b:00:00:00", "00:1a:4b:00:00:ff"))))["id"]
        twice = _pool("twice", ("00:1a:4b:01:00:00", "00:1a:4b:01:00:10"), ("00:1a:4b:01:00:10", "00:1a:4b:01:00:20"))
        refused = client.post("/macpools", json=twice)
        assert refused.status_code == 400 and "00:1a:4b:01:00:10" in refused.json()["detail"]
        other = client.post("/macpools", json=_pool("other", ("00:1a:4b:00:00:80", "00:1a:4b:00:01:80")))
        assert other.status_code == 409 and "first" in other.json()["detail"]
        apart = made(client.post("/macpools", json=_pool("apart", ("00:1a:4b:00:01:00", "00:1a:4b:00:01:80"))))["id"]
        grown = client.put(f"/macpools/{pool}", json=_pool("first", ("00:1a:4b:00:00:00", "00:1a:4b:00:01:00")))
        assert grown.status_code == 409 and "apart" in grown.json()["detail"]
        kept = client.put(f"/macpools/{pool}", json=_pool("renamed", ("00:1a:4b:00:00:00", "00:1a:4b:00:00:7f")))
        assert kept.status_code == 200, kept.text
        for one in (pool, apart):
            assert client.delete(f"/macpools/{one}").status_code == 200
