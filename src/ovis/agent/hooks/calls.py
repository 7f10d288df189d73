"""Device points over whole documents: which devices they run for, and what becomes of their results.

Does: `before_device_create` (devices replaced in the document), the other device points that a VM's devices share.
Does not: know libvirt. Follows: VDSM: before_device_create runs for devices with a `<custom>`, even an empty one, and never
for disks; every other point of a VM's devices only where there are properties, disks too.
"""

from collections.abc import Mapping
from xml.etree.ElementTree import Element

from ovis.agent.hooks.documents import alone, devices_with_custom, element_of
from ovis.agent.hooks.points import POINTS
from ovis.agent.hooks.runner import HookError, Hooks


async def create_devices(hooks: Hooks, root: Element, vm_id: str, custom: Mapping[str, str]) -> None:
    """Run before_device_create over a domain; each device that it ran for is replaced by what came of it, at the end."""
    devices = root.find("devices")
    if devices is None or not hooks.scripts("before_device_create"):
        return
    for found in list(devices_with_custom(root)):
        if found.element.tag == "disk":
            continue
        changed = await changed_device(hooks, "before_device_create", found.element, vm_id, custom, found.properties)
        devices.remove(found.element)
        devices.append(changed)


async def each_device(hooks: Hooks, point: str, xml: str, vm_id: str, custom: Mapping[str, str] | None = None) -> None:
    """Run a point for every device of a domain that has custom properties. HookError ends it, where it is fatal."""
    if not hooks.scripts(point):
        return
    root = element_of(xml)
    for found in devices_with_custom(root) if root is not None else ():
        if found.properties:
            await hooks.domain(point, found.xml, vm_id=vm_id, custom=custom, device=found.properties)


async def changed_device(
    hooks: Hooks,
    point: str,
    element: Element,
    vm_id: str,
    custom: Mapping[str, str] | None,
    properties: Mapping[str, str],
) -> Element:
    """Run a point whose result counts: the element that came of it. HookError also if it is none."""
    if not hooks.scripts(point):
        return element
    before = alone(element)
    after = await hooks.domain(point, before, vm_id=vm_id, custom=custom, device=properties)
    if after == before:
        return element
    changed = element_of(after)
    if changed is None:
        raise HookError(POINTS[point], f"{point}: what its scripts left is no XML")
    return changed
