"""Icons: those of operating systems, those that VMs bring, and pictures that are none."""

import base64

import pytest

from ovis.engine.resources.icons import LARGE, drawn, png, size_of
from tests.engine.resources.lab import made
from tests.installation import Installation

JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffc0000b080078009601011100ffd9")
GIF = b"GIF89a" + (150).to_bytes(2, "little") + (120).to_bytes(2, "little") + b"\0\0\0"


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (drawn("linux", LARGE), ("image/png", 150, 120)),
        (JPEG, ("image/jpeg", 150, 120)),
        (GIF, ("image/gif", 150, 120)),
        (b"<svg/>", None),
        (b"", None),
        (JPEG[:20], None),
        (b"\x89PNG\r\n\x1a\n", None),
    ],
)
def test_a_picture_says_what_it_is(data: bytes, found: tuple[str, int, int] | None) -> None:
    assert size_of(data) == found


def _picture(width: int, height: int, shade: int = 7) -> str:
    return base64.b64encode(png(width, height, lambda x, y: (shade, x % 256, y % 256, 255))).decode()


def test_vms_have_icons_and_bring_their_own(lab: Installation) -> None:
    with lab.client() as client:
        systems = {s["name"]: s for s in client.get("/operatingsystems").json()["operating_system"]}
        icons = {i["id"]: i for i in client.get("/icons").json()["icon"]}
        assert {systems[n]["large_icon"]["id"] for n in ("rhel_9x64", "windows_2022", "other")} <= set(icons)
        base = {"cluster": {"name": "Default"}, "template": {"name": "Blank"}, "os": {"type": "windows_2022"}}
        vm = made(client.post("/vms", json={**base, "name": "pictured"}))
        assert vm["large_icon"]["id"] == systems["windows_2022"]["large_icon"]["id"]
        own = {"large_icon": {"media_type": "image/png", "data": _picture(20, 10)}}
        changed = client.put(f"/vms/{vm['id']}", json=own)
        assert changed.status_code == 200, changed.text
        icon = client.get(f"/icons/{changed.json()['large_icon']['id']}").json()
        assert icon["data"] == _picture(20, 10) and icon["media_type"] == "image/png"
        assert client.put(f"/vms/{vm['id']}", json=own).json()["large_icon"]["id"] == icon["id"]
        for bad, word in (
            ({"media_type": "image/png", "data": "%%%"}, "base64"),
            ({"media_type": "image/png", "data": base64.b64encode(b"<svg/>").decode()}, "picture"),
            ({"media_type": "image/gif", "data": _picture(2, 2)}, "image/png"),
            ({"media_type": "image/png", "data": _picture(151, 20)}, "150x120"),
            ({"media_type": "image/png"}, "media type and data"),
        ):
            refused = client.put(f"/vms/{vm['id']}", json={"large_icon": bad})
            assert refused.status_code == 400 and word in refused.json()["detail"], refused.text
        assert client.put(f"/vms/{vm['id']}", json={"small_icon": {"id": "nothing"}}).status_code == 404
        assert client.delete(f"/vms/{vm['id']}").status_code == 200
