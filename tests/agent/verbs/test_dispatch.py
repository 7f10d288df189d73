"""Calls become methods: by name and by place, unknown arguments dropped, missing ones and other kinds refused."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from ovis.agent.driver import Publish
from ovis.agent.verbs.dispatch import Dispatcher, bind
from ovis.contract.errors import Code, VerbError
from ovis.contract.verbs import VERBS


class Part:
    """Serves a few verbs."""

    async def vm_pause(self, vmID: str) -> str:
        return f"paused {vmID}"

    async def host_get_vm_list(self, **given: Any) -> dict[str, Any]:
        return given

    async def vm_create(self, vmID: str, vmParams: Any) -> Any:
        return vmParams


class Host:
    """A driver of that part."""

    def __init__(self) -> None:
        self.recovering = False
        self.parts = (Part(),)

    async def start(self, publish: Publish) -> None: ...

    async def stop(self) -> None: ...


@pytest.fixture
def host() -> Host:
    return Host()


async def refused(host: Host, method: str, params: Any) -> VerbError:
    with pytest.raises(VerbError) as caught:
        await Dispatcher(host).call(method, params)
    return caught.value


async def test_by_name_and_by_place(host: Host) -> None:
    call = Dispatcher(host).call
    assert await call("VM.pause", {"vmID": "a"}) == "paused a"
    assert await call("VM.pause", ["a"]) == "paused a"


async def test_unknown_arguments_are_dropped_and_logged(host: Host) -> None:
    with capture_logs() as logs:
        assert await Dispatcher(host).call("VM.pause", {"vmID": "a", "secret_extra": "hidden"}) == "paused a"
    row = next(r for r in logs if r["event"] == "unknown arguments dropped")
    assert row["names"] == ["secret_extra"] and "hidden" not in str(logs)


async def test_a_missing_argument_is_an_internal_error(host: Host) -> None:
    err = await refused(host, "VM.create", {"vmID": "a"})
    assert (err.code, err.message) == (Code.INTERNAL, "VM.create misses vmParams.")
    assert (await refused(host, "VM.create", {"vmID": None, "vmParams": {}})).code == Code.INTERNAL
    assert (await refused(host, "VM.create", {"vmID": "a", "vmParams": ""})).code == Code.INTERNAL


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"vmID": ["a"], "vmParams": {}}, "vmID must be text, not list"),
        ({"vmID": "a", "vmParams": "<domain/>"}, "vmParams must be VmParameters, not text"),
        ({"vmID": "a", "vmParams": {"xml": {}}}, "vmParams.xml must be text, not map"),
    ],
)
async def test_arguments_of_another_kind_are_refused(host: Host, params: Any, said: str) -> None:
    err = await refused(host, "VM.create", params)
    assert err.code == Code.INVALID_PARAMETER and said in err.message


@pytest.mark.parametrize(
    ("params", "said"), [(["a", {}, "more"], "takes 2 parameters"), ("a", "must be an object or a list")]
)
async def test_parameters_that_cannot_be_assigned_are_refused(host: Host, params: Any, said: str) -> None:
    err = await refused(host, "VM.create", params)
    assert err.code == Code.INVALID_PARAMS and said in err.message


async def test_a_verb_nobody_knows_and_one_nobody_serves(host: Host) -> None:
    assert (await refused(host, "VM.fly", {})).code == Code.UNKNOWN_METHOD
    assert (await refused(host, "VM.cont", {"vmID": "a"})).code == Code.NOT_IMPLEMENTED


async def test_every_verb_waits_for_recovery(host: Host) -> None:
    host.recovering = True
    for name in VERBS:
        assert (await refused(host, name, {})).code == Code.RECOVERING, name


def test_what_is_left_out_is_not_passed_on() -> None:
    assert bind(VERBS["Host.getVMList"], {"onlyUUID": True}) == {"onlyUUID": True}
    assert bind(VERBS["Host.getVMList"], [False, ["a"]]) == {"fullStatus": False, "vmList": ["a"]}
