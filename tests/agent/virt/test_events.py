"""What libvirt's stop means, by its detail and by what was asked."""

import libvirt
import pytest

from ovis.agent.virt.events import end_of
from ovis.agent.virt.vm import Record, Vm
from ovis.contract import statuses as st
from ovis.contract.statuses import ExitCode, ExitReason

STOPPED = libvirt.VIR_DOMAIN_EVENT_STOPPED
S, D, C = (
    libvirt.VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN,
    libvirt.VIR_DOMAIN_EVENT_STOPPED_DESTROYED,
    libvirt.VIR_DOMAIN_EVENT_STOPPED_CRASHED,
)


@pytest.mark.parametrize(
    ("status", "asked", "detail", "code", "reason"),
    [
        (st.UP, "", S, ExitCode.NORMAL, ExitReason.USER_SHUTDOWN),
        (st.POWERING_DOWN, "admin", S, ExitCode.NORMAL, ExitReason.ADMIN_SHUTDOWN),
        (st.UP, "reboot", S, ExitCode.NORMAL, ExitReason.DESTROYED_ON_REBOOT),
        (st.UP, "reboot", D, ExitCode.NORMAL, ExitReason.DESTROYED_ON_REBOOT),
        (st.UP, "", D, ExitCode.ERROR, ExitReason.GENERIC_ERROR),
        (st.UP, "", C, ExitCode.ERROR, ExitReason.LOST_QEMU_CONNECTION),
        (st.UP, "", libvirt.VIR_DOMAIN_EVENT_STOPPED_FAILED, ExitCode.ERROR, ExitReason.LOST_QEMU_CONNECTION),
        (
            st.MIGRATION_SOURCE,
            "",
            libvirt.VIR_DOMAIN_EVENT_STOPPED_MIGRATED,
            ExitCode.NORMAL,
            ExitReason.MIGRATION_SUCCEEDED,
        ),
        (
            st.SAVING_STATE,
            "",
            libvirt.VIR_DOMAIN_EVENT_STOPPED_SAVED,
            ExitCode.NORMAL,
            ExitReason.SAVE_STATE_SUCCEEDED,
        ),
        (st.MIGRATION_DESTINATION, "", C, ExitCode.ERROR, ExitReason.MIGRATION_FAILED),
        (
            st.MIGRATION_SOURCE,
            "",
            libvirt.VIR_DOMAIN_EVENT_STOPPED_FAILED,
            ExitCode.ERROR,
            ExitReason.POSTCOPY_MIGRATION_FAILED,
        ),
    ],
)
def test_ends(status: str, asked: str, detail: int, code: ExitCode, reason: ExitReason) -> None:
    vm = Vm(Record(vm_id="a", status=status, asked=asked))
    found = end_of(vm, STOPPED, detail)
    assert found[:2] == (code, reason) and found[2]


def test_a_host_that_stops_qemu_is_told_apart_from_a_guest_that_powers_off() -> None:
    vm = Vm(Record(vm_id="a", status=st.UP))
    vm.shutdown_detail = libvirt.VIR_DOMAIN_EVENT_SHUTDOWN_HOST
    assert end_of(vm, STOPPED, S)[:2] == (ExitCode.ERROR, ExitReason.HOST_SHUTDOWN)
