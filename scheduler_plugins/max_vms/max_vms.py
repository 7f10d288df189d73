"""At most so many running VMs on a host."""

from ovis.scheduler_proxy import connect


class max_vms:
    """Keeps hosts that run fewer VMs than maximum_vm_count (default 100)."""

    properties_validation = "maximum_vm_count=[0-9]+"

    def do_filter(self, hosts, vm, params):
        """Ids of hosts that have room for one more."""
        most = int(params.get("maximum_vm_count") or 100)
        wanted = set(hosts)
        running = dict.fromkeys(hosts, 0)
        with connect() as api:
            for each in api.vms.list(max=100000):
                if each.host is not None and each.host.id in wanted and each.id != vm:
                    running[each.host.id] += 1
        return [host for host in hosts if running[host] < most]
