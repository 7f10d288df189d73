"""Moves a VM off a host whose memory is short."""

from ovis.scheduler_proxy import connect

MIB = 1 << 20


class memory_balance:
    """Moves the smallest VM of a host with less than minimum_free_mib free to hosts that keep as much (default 1024)."""

    properties_validation = "minimum_free_mib=[0-9]+"

    def do_balance(self, hosts, params):
        """(VM, hosts that it may go to), or nothing."""
        least = int(params.get("minimum_free_mib") or 1024) * MIB
        with connect() as api:
            free = {h.id: int(h.max_scheduling_memory or 0) for h in api.hosts.list(max=100000)}
            vms = [v for v in api.vms.list(max=100000) if v.host is not None and v.host.id in free]
        for vm in vms:
            free[vm.host.id] -= int(vm.memory)
        free = {host: free[host] for host in hosts if host in free}
        short = sorted((h for h in free if free[h] < least), key=lambda h: free[h])
        for source in short:
            for vm in sorted(
                (v for v in vms if v.host.id == source and _state(v) == "up"), key=lambda v: int(v.memory)
            ):
                need = int(vm.memory)
                targets = [h for h in sorted(free, key=lambda h: -free[h]) if h != source and free[h] - need >= least]
                if targets:
                    return vm.id, targets
        return None


def _state(vm):
    """The status' word, which is inside an element in version 3 of the API."""
    return getattr(vm.status, "state", vm.status)
