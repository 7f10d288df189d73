"""Which VMs were moved lately, so that they are not moved back at once. Pure but for its memory."""

from collections.abc import Callable


class Damping:
    """Moves of the last `seconds`. clock: seconds that never go back."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self.seconds = seconds
        self._clock = clock
        self._left: dict[tuple[str, str], float] = {}

    def moved(self, vm_id: str, source: str) -> None:
        """A VM left a host."""
        now = self._clock()
        self._left = {key: at for key, at in self._left.items() if now - at < self.seconds}
        self._left[(vm_id, source)] = now

    def forbidden(self, vm_id: str) -> set[str]:
        """Hosts that it left too short ago to go back to."""
        now = self._clock()
        return {host for (vm, host), at in self._left.items() if vm == vm_id and now - at < self.seconds}
