"""What the engine makes of custom properties that it understands."""

import pytest

from ovis.engine.resources.vms import properties


@pytest.mark.parametrize(
    ("text", "network", "wanted"),
    [
        ("red:true,blue-net:false", "red", "vhost"),
        ("red:true,blue-net:false", "blue-net", "qemu"),
        ("red:true", "green", ""),
        ("red:true", None, ""),
        ("", "red", ""),
    ],
)
def test_vhost_is_said_by_network(text: str, network: str | None, wanted: str) -> None:
    assert properties.network_driver({"vhost": text} if text else {}, network) == wanted


def test_caches_are_for_virtio_and_virtio_scsi() -> None:
    custom = {"viodiskcache": "writethrough"}
    assert [properties.cache(custom, i) for i in ("virtio", "virtio_scsi", "sata", "ide")] == [
        "writethrough",
        "writethrough",
        "none",
        "none",
    ]
    assert properties.cache({}, "virtio") == "none"


def test_pages_that_the_host_lacks_are_two_mebibytes() -> None:
    assert properties.page_size({"hugepages": "1048576"}, [2048, 1048576]) == 1048576
    assert properties.page_size({"hugepages": "1048576"}, [2048]) == 2048
    assert properties.page_size({"hugepages": "0"}, [2048]) == 0
    assert properties.page_size({}, [2048]) == 0


def test_queues_are_for_virtio_and_never_reach_hosts() -> None:
    assert properties.queues({"queues": "4"}, "virtio") == 4
    assert properties.queues({"queues": "4"}, "e1000") == 0
    assert properties.queues({"queues": "many"}, "virtio") == properties.queues({}, "virtio") == 0
    assert {"queues", "failover"} == properties.OF_ENGINE


def test_send_buffers_and_cpu_flags() -> None:
    assert properties.send_buffer({"sndbuf": "0"}) == 0
    assert properties.send_buffer({}) is None
    assert properties.cpu_flags({"extra_cpu_flags": "+avx,-aes,pcid"}) == ["+avx", "-aes", "pcid"]
    assert properties.cpu_flags({}) == []
