"""Signs of life on storage are seen by their change."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ovis.agent.storage import beats

DOMAIN = "0a6e7a52-0003-4000-8000-000000000001"
OTHER = "0a6e7a52-0003-4000-8000-000000000002"


async def test_a_host_lives_while_its_file_changes_and_others_prove_nothing(tmp_path: Path) -> None:
    domain: Any = SimpleNamespace(md=tmp_path, id=DOMAIN)

    def find(domain_id: str) -> Any:
        if domain_id != DOMAIN:
            raise OSError("not here")
        return domain

    beats.beat(domain, 2)
    assert not await beats.lives(find, {DOMAIN: 2}, seconds=0.3, step=0.05)

    async def beating() -> None:
        while True:
            await asyncio.to_thread(beats.beat, domain, 2)
            await asyncio.sleep(0.05)

    task = asyncio.create_task(beating())
    try:
        assert await beats.lives(find, {OTHER: 2, DOMAIN: 2}, seconds=20, step=0.05)
        assert not await beats.lives(find, {DOMAIN: 3}, seconds=0.3, step=0.05)
        assert not await beats.lives(find, {OTHER: 2, DOMAIN: "nonsense"}, seconds=0.3, step=0.05)
    finally:
        task.cancel()
