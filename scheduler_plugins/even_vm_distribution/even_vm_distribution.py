"""The host with the fewest VMs first."""

from ovis.scheduler_proxy import connect


class even_vm_distribution:
    """Weighs a host by the number of VMs that run on it."""

    properties_validation = ""

    def do_score(self, hosts, vm, params):
        """(host, its VMs); the one to be placed does not count."""
        running = dict.fromkeys(hosts, 0)
        with connect() as api:
            for each in api.vms.list(max=100000):
                if each.host is not None and each.host.id in running and each.id != vm:
                    running[each.host.id] += 1
        return list(running.items())
