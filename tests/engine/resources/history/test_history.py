"""Short history: means by time, gaps, what a restart keeps; by a clock of the test's own."""

import itertools
import random
from pathlib import Path

import pytest

from ovis.engine.hostlink.live import Live
from ovis.engine.model.types import StorageDomain
from ovis.engine.resources import history
from ovis.engine.resources.history.rings import DAY, Rings
from ovis.engine.resources.history.table import UsageSlot
from ovis.engine.resources.storage_domains.tables import DOMAINS
from ovis.engine.store.store import Store

START = 1_800_000_000 - 1_800_000_000 % 300
VM = "5f000000-0000-4000-8000-000000000001"
DOMAIN = "5f000000-0000-4000-8000-00000000000d"
ONE = "5f000000-0000-4000-8000-00000000000e"


def filled(minutes: int, value: int = 40) -> tuple[Rings, float]:
    rings = Rings()
    for minute in range(minutes):
        rings.sample(START + 60 * minute, [(VM, (minute % 100, value, 0))])
    return rings, START + 60 * (minutes - 1) + 30


def test_an_hour_is_told_by_minutes_and_a_day_by_five() -> None:
    rings, now = filled(60)
    assert rings.means(VM, 1, now, 3600, 14) == [40] * 14
    minutes = rings.means(VM, 0, now, 3600, 60)
    assert minutes[-1] in (58, 59) and minutes == sorted(minutes, key=lambda v: v or 0)
    rings, now = filled(24 * 60)
    day = rings.means(VM, 1, now, DAY, 96)
    assert day == [40] * 96
    assert rings.means(VM, 0, now, DAY, 288)[-2] is not None


def test_what_nobody_saw_is_not_known_and_a_gap_does_not_show_the_day_before() -> None:
    rings, now = filled(10)
    assert rings.means("unknown", 0, now, 3600, 3) == [None, None, None]
    assert rings.means(VM, 1, now, 3600, 6) == [None] * 5 + [40]
    later = START + DAY + 3600
    rings.sample(later, [(VM, (7, 8, 9))])
    assert rings.means(VM, 1, later, DAY, 4) == [None, None, None, 8]
    rings.sample(later + 2 * DAY, [])
    assert rings.means(VM, 1, later + 2 * DAY, 3600, 2) == [None, None]


def test_values_are_cut_and_samples_of_a_minute_are_averaged() -> None:
    rings = Rings()
    rings.sample(START, [(VM, (10, -5, 900))])
    rings.sample(START + 30, [(VM, (20, -5, 900))])
    assert [rings.means(VM, m, START + 40, 60, 1) for m in range(3)] == [[15], [0], [254]]


def test_rings_turn_like_a_list_of_all_samples_would_say() -> None:
    """Against the plain model: every sample in a list, means taken over the same minutes."""
    chance = random.Random(7)
    rings, seen = Rings(), dict[int, int]()
    minute = START // 60
    for _ in range(900):
        minute += chance.choice((1, 1, 1, 1, 2, 7))
        value = chance.randrange(101)
        rings.sample(minute * 60, [(VM, (value, 0, 0))])
        seen[minute] = value
    now = minute * 60.0
    expected = [seen.get(m) for m in range(minute - 59, minute + 1)]
    found = [rings.means(VM, 0, now, 3600, 60)[n] for n in range(60)]
    for want, got, five in zip(expected[:-1], found[1:], itertools.count(minute - 59)):
        slot = [seen[m] for m in range(five - five % 5, five - five % 5 + 5) if m in seen]
        assert got in ((want,) if want is not None else (None, round(sum(slot) / len(slot)) if slot else None))


def test_means_of_many_weigh_them() -> None:
    rings = Rings()
    for minute in range(30):
        rings.sample(START + 60 * minute, [(VM, (10, 0, 0)), (ONE, (40, 0, 0))])
    points = rings.day({VM: 1.0, ONE: 2.0, "nobody": 5.0}, 0, 96)
    assert len(points) == 96 and points[0][1] is None
    last, value = points[-1]
    assert last == START + 30 * 60 - 300 and value == pytest.approx(30.0)
    assert all(value is None for _, value in Rings().day({VM: 1.0}, 0, 4))


async def test_a_restart_keeps_the_day_and_the_hour(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'engine.db'}", (DOMAINS, history.TABLE))
    store.create_tables()
    store.start()
    try:
        await store.write(
            lambda tx: tx.insert(StorageDomain(id=DOMAIN, name="d", available=60, used=40, committed=150))
        )
        live = Live()
        live.vm_row("h", VM, {"cpuUser": 30, "cpuSys": 0, "memUsage": 50, "vcpuCount": 1})
        now = [float(START)]
        kept = history.UsageHistory(store, live, "engine-1", lambda: now[0])
        for _ in range(2 * 40):
            await kept.sample()
            now[0] += 30
        again = history.UsageHistory(store, Live(), "engine-1", lambda: now[0])
        await again.restore()
        assert again.rings.means(VM, 0, now[0], 3600, 4) == [None, 30, 30, 30]
        assert again.rings.means(DOMAIN, 0, now[0], DAY, 48)[-2:] == [40, 40]
        assert again.rings.means(DOMAIN, 1, now[0], DAY, 48)[-2:] == [150, 150]
        now[0] += 25 * 3600
        await again.sample()
        now[0] += 300
        await again.sample()
        rows = await store.read(lambda rd: rd.count(UsageSlot))
        assert rows == 1  # what is older than a day has gone
    finally:
        store.close()
