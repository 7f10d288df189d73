"""At most so many VMs with a graphics card on a host."""

from ovis.scheduler_proxy import connect

PROPERTY = "gpu"


class gpu_limit:
    """Keeps hosts with fewer than gpus_per_host (default 1) running VMs that have the custom property `gpu`."""

    properties_validation = "gpus_per_host=[0-9]+"

    def do_filter(self, hosts, vm, params):
        """All hosts for a VM without a card."""
        most = int(params.get("gpus_per_host") or 1)
        with connect() as api:
            vms = api.vms.list(max=100000)
        if not any(_has_card(v) for v in vms if v.id == vm):
            return hosts
        used = dict.fromkeys(hosts, 0)
        for each in vms:
            if each.id != vm and each.host is not None and each.host.id in used and _has_card(each):
                used[each.host.id] += 1
        return [host for host in hosts if used[host] < most]


def _has_card(vm):
    """Whether its custom property says so; `0`, `no` and nothing say that it has none."""
    properties = getattr(vm.custom_properties, "custom_property", None) or ()
    values = [p.value for p in properties if p.name == PROPERTY]
    return bool(values) and str(values[0]).lower() not in ("", "0", "no", "false")
