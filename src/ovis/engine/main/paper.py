"""`ovis-engine schedule`: one case of scheduling on paper.

Does: read a world in JSON, decide, print JSON. Does not: need an installation. The format: docs/explanation/scheduling.md.
"""

import json
from typing import TextIO

from ovis.engine.scheduling.cases import BadCase, solve


def schedule(given: bytes, out: TextIO, errors: TextIO) -> int:
    """The exit status: 0 decided, 1 the case cannot be read."""
    try:
        found = solve(json.loads(given))
    except (BadCase, ValueError, TypeError, AttributeError, KeyError) as err:
        print(f"ovis-engine schedule: the case cannot be read: {err}", file=errors)
        return 1
    out.write(json.dumps(found, indent=1, allow_nan=False) + "\n")
    return 0
