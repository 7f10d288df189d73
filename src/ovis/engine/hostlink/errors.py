"""How talking to a host fails.

Does: tell a host's "no" from a host's silence. A lost connection or a time-out never proves that the verb did nothing.
"""


class HostError(Exception):
    """The agent answered with an error. code: VDSM's number; verb: what was asked."""

    def __init__(self, code: int, message: str, *, verb: str = "", host_id: str = "") -> None:
        super().__init__(f"{verb or 'host'}: {message} (code {code})")
        self.code = code
        self.message = message
        self.verb = verb
        self.host_id = host_id


class HostUnreachable(Exception):
    """No answer: not connected, connection lost, or timed out. sent: whether the request may have reached the host."""

    def __init__(self, message: str, *, host_id: str = "", sent: bool = False) -> None:
        super().__init__(message)
        self.host_id = host_id
        self.sent = sent
