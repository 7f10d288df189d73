"""What OpenStack Nova's scheduler takes for one decision: its default filters and all its weighers over hosts in memory.

Does: read {"sizes": [...], "rounds": n, "seed": n} from stdin, print {"times": {size: median seconds}, ...} as JSON. Does not: use
Nova's database, Placement or messages; none of their time counts. Runs in an environment of its own; knows nothing of Ovis.
"""

import json
import logging
import random
import statistics
import sys
import time
import uuid
from typing import Any

from nova import config, context, objects
from nova.conf import CONF
from nova.objects import fields
from nova.scheduler import filters, host_manager, weights

GIB_MB = 1024


class Up:
    """Who says that a compute service is alive."""

    def service_is_up(self, service: Any) -> bool:
        return True


def hosts(count: int, seed: int) -> list[Any]:
    dice = random.Random(seed)
    found = []
    for number in range(count):
        state = host_manager.HostState(f"host{number:05}", f"host{number:05}", uuid.uuid4())
        state.uuid = str(uuid.uuid4())
        state.total_usable_ram_mb = 256 * GIB_MB
        state.free_ram_mb = dice.randrange(8, 256) * GIB_MB
        state.free_disk_mb = 1 << 20
        state.total_usable_disk_gb = 1024
        state.vcpus_total, state.vcpus_used = 64, dice.randrange(0, 60)
        state.num_instances, state.num_io_ops = dice.randrange(0, 40), dice.randrange(0, 3)
        state.ram_allocation_ratio = state.cpu_allocation_ratio = state.disk_allocation_ratio = 1.0
        state.hypervisor_type, state.hypervisor_version = "QEMU", 8002000
        state.supported_instances = [["x86_64", "kvm", "hvm"]]
        state.service = {"disabled": False, "host": state.host, "report_count": 1}
        state.stats, state.metrics, state.cpu_info = {}, objects.MonitorMetricList(objects=[]), {}
        found.append(state)
    return found


def request() -> Any:
    flavor = objects.Flavor(
        id=1, name="m", flavorid="1", memory_mb=8 * GIB_MB, vcpus=4, root_gb=10, ephemeral_gb=0, swap=0, extra_specs={}
    )
    image = objects.ImageMeta(properties=objects.ImageMetaProps(hw_architecture=fields.Architecture.X86_64))
    return objects.RequestSpec(
        context=context.get_admin_context(),
        flavor=flavor,
        image=image,
        instance_uuid=str(uuid.uuid4()),
        num_instances=1,
        ignore_hosts=None,
        force_hosts=None,
        force_nodes=None,
        instance_group=None,
        requested_destination=None,
        retry=None,
        limits=objects.SchedulerLimits(),
        numa_topology=None,
        pci_requests=objects.InstancePCIRequests(requests=[]),
        scheduler_hints={},
        requested_resources=[],
        availability_zone=None,
        project_id="p",
        user_id="u",
        request_level_params=objects.RequestLevelParams(),
    )


def main() -> None:
    asked = json.load(sys.stdin)
    logging.disable(logging.CRITICAL)
    config.parse_args(["nova"], default_config_files=[], configure_db=False, init_rpc=False)
    objects.register_all()
    by_name = {
        c.__name__: c for c in filters.HostFilterHandler().get_matching_classes(CONF.filter_scheduler.available_filters)
    }
    sieve = [by_name[name]() for name in CONF.filter_scheduler.enabled_filters]
    for each in sieve:
        if hasattr(each, "servicegroup_api"):
            each.servicegroup_api = Up()
    handler, weigher = filters.HostFilterHandler(), weights.HostWeightHandler()
    weighers = [c() for c in weigher.get_matching_classes(CONF.filter_scheduler.weight_classes)]
    found = {}
    for size in asked["sizes"]:
        known, times = hosts(size, asked["seed"]), []
        for _ in range(max(3, asked["rounds"] // size)):
            spec = request()
            begun = time.perf_counter()
            left = list(handler.get_filtered_objects(sieve, known, spec, 0))
            best = weigher.get_weighed_objects(weighers, left, spec)[0]
            times.append(time.perf_counter() - begun)
        found[size] = statistics.median(times)
        if not left or best is None:
            raise SystemExit("no host was left")
    json.dump({"times": found, "filters": len(sieve), "weighers": len(weighers), "left": len(left)}, sys.stdout)


if __name__ == "__main__":
    main()
