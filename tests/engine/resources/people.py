"""Ordinary users of a running installation, signed in."""

import subprocess
from typing import Any

import httpx

from tests.installation import Installation, program

PASSWORD = "secret-enough"


def person(place: Installation, name: str) -> httpx.Client:
    """A new user without any role of his own, as a client of version 4 in JSON."""
    verb = [program("ovis-engine"), "user", "add", name, "--data", str(place.folder)]
    database = ["--db", place.db] if place.db else []
    subprocess.run([*verb, *database], input=f"{PASSWORD}\n", text=True, check=True, capture_output=True, timeout=60)
    client = place.client()
    client.auth = (f"{name}@internal", PASSWORD)
    return client


def own_id(client: httpx.Client) -> str:
    """Who the client is signed in as."""
    found: dict[str, Any] = client.get("/").json()
    return str(found["authenticated_user"]["id"])
