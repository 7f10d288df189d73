"""What axe finds serious in a page."""

from typing import Any

from tests.webadmin.conftest import ROOT

_RUN = "() => axe.run(document, {resultTypes: ['violations']}).then((all) => all.violations)"


def serious(page: Any) -> list[tuple[str, str]]:
    """(rule, first element) of each serious or critical violation."""
    page.evaluate((ROOT / "webadmin/node_modules/axe-core/axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate(_RUN)
    return [(v["id"], v["nodes"][0]["html"]) for v in found if v["impact"] in ("serious", "critical")]
