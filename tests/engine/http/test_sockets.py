"""What only a raw socket can say: bodies that never come, old versions of HTTP, several requests at once."""

import base64

import pytest

from tests.engine.http.lab import ADMIN_PASSWORD, Lab

BASIC = "Authorization: Basic " + base64.b64encode(f"admin@internal:{ADMIN_PASSWORD}".encode()).decode() + "\r\n"


def request(line: str, *headers: str, body: bytes = b"", close: bool = False) -> bytes:
    rows = "".join(f"{h}\r\n" for h in headers)
    ending = "Connection: close\r\n" if close else ""
    return f"{line}\r\nHost: engine\r\n{BASIC}{rows}{ending}\r\n".encode() + body


def parts(answer: bytes) -> tuple[int, str, bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), head.decode("latin-1").lower(), body


@pytest.mark.parametrize("path", ["/ovirt-engine/api", "/ovirt-engine/api/vms", "/api/vms", "/api/nothing"])
async def test_a_get_whose_body_never_comes_is_answered_and_the_connection_closed(place: Lab, path: str) -> None:
    answer = await place.raw(request(f"GET {path} HTTP/1.1", "Content-Type: application/xml", "Content-Length: 17"))
    status, head, body = parts(answer)
    assert status == (404 if "nothing" in path else 200)
    assert "connection: close" in head
    assert len(body) == int(head.partition("content-length: ")[2].split()[0])


async def test_a_challenge_to_a_get_with_a_body_is_answered_and_closed(place: Lab) -> None:
    data = b"GET /ovirt-engine/api HTTP/1.1\r\nHost: e\r\nContent-Length: 17\r\n\r\n<action></action>"
    status, head, _ = parts(await place.raw(data))
    assert status == 401
    assert "www-authenticate: basic" in head


async def test_a_get_that_brings_its_body_is_answered(place: Lab) -> None:
    data = request("GET /ovirt-engine/api/vms HTTP/1.1", "Content-Length: 17", body=b"<action></action>")
    assert parts(await place.raw(data))[0] == 200


async def test_content_length_zero_with_get_and_delete(place: Lab) -> None:
    for method, status in (("GET", 200), ("DELETE", 404)):
        path = "/api/vms" if method == "GET" else "/api/vms/missing"
        data = request(f"{method} {path} HTTP/1.1", "Content-Length: 0", "Content-Type: application/xml", close=True)
        assert parts(await place.raw(data))[0] == status


async def test_http_1_0(place: Lab) -> None:
    status, head, body = parts(await place.raw(request("GET /api HTTP/1.0")))
    assert status == 200
    assert body.startswith(b"<?xml")
    assert "transfer-encoding" not in head


async def test_requests_sent_at_once_are_answered_in_order(place: Lab) -> None:
    lines = ["GET /ovirt-engine/api/vms?max=1 HTTP/1.1", "GET /ovirt-engine/api/nothing HTTP/1.1"]
    data = b"".join(request(line) for line in lines) + request("GET /ovirt-engine/api HTTP/1.1", close=True)
    answer = await place.raw(data)
    assert [int(part.split()[0]) for part in answer.split(b"HTTP/1.1 ")[1:]] == [200, 404, 200]


async def test_a_delete_with_a_body_keeps_the_connection_usable(place: Lab) -> None:
    body = b"<action><force>true</force></action>"
    first = request(
        f"DELETE /api/vms/{place.vms['beta']} HTTP/1.1",
        "Content-Type: application/xml",
        f"Content-Length: {len(body)}",
        body=body,
    )
    answer = await place.raw(first + request("GET /api/vms HTTP/1.1", close=True))
    assert [int(part.split()[0]) for part in answer.split(b"HTTP/1.1 ")[1:]] == [200, 200]


async def test_a_body_that_is_too_long_is_refused_before_it_is_sent(place: Lab) -> None:
    status, head, _ = parts(
        await place.raw(
            request(
                "POST /api/vms HTTP/1.1", "Content-Type: application/xml", f"Content-Length: {11 << 20}", close=True
            )
        )
    )
    assert status == 413
    assert "connection: close" in head


async def test_expect_continue(place: Lab) -> None:
    body = b"<action/>"
    answer = await place.raw(
        request(
            f"POST /api/vms/{place.vms['alpha']}/ticket HTTP/1.1",
            "Expect: 100-continue",
            "Content-Type: application/xml",
            f"Content-Length: {len(body)}",
            body=body,
            close=True,
        )
    )
    assert b"HTTP/1.1 200" in answer


@pytest.mark.parametrize(
    "path", ["/ovirt-engine/api/vms/../clusters", "/ovirt-engine/api/../services/health", "/api/./vms"]
)
async def test_dots_in_paths_lead_nowhere(place: Lab, path: str) -> None:
    status, _, body = parts(await place.raw(request(f"GET {path} HTTP/1.1", close=True)))
    assert (status, body) == (404, b"")


@pytest.mark.parametrize(
    "data",
    [
        b"GET /ovirt-engine/api/vms/\xff\xfe HTTP/1.1\r\nHost: e\r\n" + BASIC.encode() + b"Connection: close\r\n\r\n",
        b"GET http://other/ovirt-engine/api/vms HTTP/1.1\r\nHost: e\r\n"
        + BASIC.encode()
        + b"Connection: close\r\n\r\n",
        b"GET /ovirt-engine/api/vms HTTP/1.1\r\nHost: \xe4\xf6\r\n" + BASIC.encode() + b"Connection: close\r\n\r\n",
        b"GET /ovirt-engine/api/%zz;%=%;;=;a=b/vms?%zz&=&; HTTP/1.1\r\nHost: e\r\n"
        + BASIC.encode()
        + b"Connection: close\r\n\r\n",
        b"GARBAGE\r\n\r\n",
        b"POST /ovirt-engine/api/vms HTTP/1.1\r\nHost: e\r\n"
        + BASIC.encode()
        + b"Transfer-Encoding: chunked\r\nContent-Type: application/xml\r\n\r\nzz\r\n",
    ],
)
async def test_garbage_never_ends_in_500(place: Lab, data: bytes) -> None:
    answer = await place.raw(data)
    assert b"HTTP/1.1 5" not in answer
