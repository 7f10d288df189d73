"""What waits for a VM's next cold start: kept beside it, applied when it is down."""

from msgspec.structs import replace

from ovis.engine.model.types import Vm
from ovis.engine.resources.vms import rules
from ovis.engine.resources.vms.state import VmNextRun
from ovis.engine.store.session import Tx


def keep_next_run(tx: Tx, vm: Vm) -> None:
    """Remember the VM as it is to be."""
    tx.put(VmNextRun(id=str(vm.id), vm=vm))


def apply_next_run(tx: Tx, vm: Vm) -> Vm:
    """The VM, down, as it was to become; what changes at once keeps its present value. The memory of it goes."""
    waiting = tx.get(VmNextRun, str(vm.id))
    if waiting is None:
        return vm
    tx.delete(VmNextRun, str(vm.id))
    present = {name: getattr(vm, name) for name in rules.AT_ONCE}
    after = replace(waiting.vm, **present)
    return replace(after, next_run_configuration_exists=False)
