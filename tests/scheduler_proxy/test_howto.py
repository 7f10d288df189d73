"""The modules of docs/howto/write-a-scheduler-module.md do what it says."""

import re
from pathlib import Path

from tests.installation import until
from tests.scheduler_proxy.proxy import HOSTS, VM, serving

PAGE = Path(__file__).parents[2] / "docs/howto/write-a-scheduler-module.md"


def test_its_modules(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 4
    with serving(tmp_path / "plugins", **{f"m{n}": text for n, text in enumerate(blocks)}) as proxy:
        client = proxy.client()
        until(lambda: len(client.discover()["filters"]) == 2, "the filters")
        assert client.problems() == {}
        assert client.runFilters(["at_most"], HOSTS, VM, {"how_many": "2"})["result"] == HOSTS[:2]
        assert client.runCostFunctions([["by_place", 3]], HOSTS[:2], VM, {})["result"] == [[HOSTS[0], 0], [HOSTS[1], 3]]
        assert client.runLoadBalancing("stays", HOSTS, {})["result"] == ["", []]
        unconnected = client.runFilters(["not_the_busiest"], HOSTS, VM, {})
        assert "--engine-url" in unconnected["plugin_errors"]["not_the_busiest"][0]
