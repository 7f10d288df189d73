"""What is seen of a running guest: /vms/ID/sessions and /vms/ID/applications.

Does: show who looks at its console or is logged in, and what its agent says is installed. Keeps nothing.
"""

from collections.abc import Mapping, Sequence

from ovis.engine.declare.call import Call
from ovis.engine.declare.resource import PUBLIC, Op, Resource
from ovis.engine.model.types import Application, Ip, Session, User, Vm
from ovis.engine.resources import bodies
from ovis.engine.resources.live import vm_facts
from ovis.engine.resources.vms.state import ON_HOST, VmRuntime
from ovis.engine.store.session import Reader

_NOBODY = ("", "None", "Unknown")


def _running(rd: Reader, parents: Sequence[str]) -> list[str]:
    return [i for i, vm in rd.get_many(Vm, parents).items() if vm.status in ON_HOST]


def sessions(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Session]]:
    """The console's user first, then the guest's own."""
    running = _running(rd, parents)
    runtimes, facts = rd.get_many(VmRuntime, running), vm_facts(rd, running)
    out: dict[str, list[Session]] = {p: [] for p in parents}
    for vm_id in running:
        runtime = runtimes.get(vm_id)
        if runtime is not None and runtime.client_ip and runtime.console_user:
            out[vm_id].append(
                Session(
                    id=bodies.derived_id("session", vm_id, "console", runtime.console_user),
                    console_user=True,
                    ip=Ip(address=runtime.client_ip),
                    protocol=runtime.consoles[0].protocol if runtime.consoles else None,
                    user=User(id=runtime.console_user),
                    vm=Vm(id=vm_id),
                )
            )
        name = str(facts.get(vm_id, {}).get("username") or "")
        if name not in _NOBODY:
            session_id = bodies.derived_id("session", vm_id, "guest", name)
            out[vm_id].append(Session(id=session_id, console_user=False, user=User(user_name=name), vm=Vm(id=vm_id)))
    return out


def applications(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Application]]:
    """By name, each once."""
    running = _running(rd, parents)
    facts = vm_facts(rd, running)
    out: dict[str, list[Application]] = {p: [] for p in parents}
    for vm_id in running:
        names = {str(name) for name in facts.get(vm_id, {}).get("appsList") or () if name}
        out[vm_id] = [
            Application(id=bodies.derived_id("application", vm_id, name), name=name, vm=Vm(id=vm_id))
            for name in sorted(names)
        ]
    return out


SESSIONS_OF_VM = Resource(
    type=Session, collection="sessions", list=Op(run=sessions, needs=PUBLIC), get=Op(needs=PUBLIC)
)
APPLICATIONS_OF_VM = Resource(
    type=Application, collection="applications", list=Op(run=applications, needs=PUBLIC), get=Op(needs=PUBLIC)
)
