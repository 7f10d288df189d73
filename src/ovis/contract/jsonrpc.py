"""JSON-RPC 2.0 as VDSM speaks it: requests, answers, events, one-element batches.

Does: bytes to values and back. Does not: run verbs.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ovis.contract.errors import Code, VerbError

REQUESTS = "jms.topic.vdsm_requests"
POOL_REQUESTS = "jms.topic.vdsm_irs_requests"
EVENTS = "jms.queue.events"
ENGINE_ANSWERS = "jms.topic.vdsm_responses"


def request(method: str, params: Mapping[str, Any] | Sequence[Any], id_: str) -> bytes:
    """One call."""
    return msgspec.json.encode({"jsonrpc": "2.0", "method": method, "params": params, "id": id_})


def answer(id_: Any, result: Any) -> bytes:
    """A result; verbs without one answer true."""
    return msgspec.json.encode({"jsonrpc": "2.0", "id": id_, "result": True if result is None else result})


def failure(id_: Any, code: int, message: str) -> bytes:
    """An error."""
    return msgspec.json.encode({"jsonrpc": "2.0", "id": id_, "error": {"code": code, "message": message}})


def event(event_id: str, body: Mapping[str, Any], notify_time: int) -> bytes:
    """A notification: the method is the event's id. notify_time: monotonic milliseconds."""
    return msgspec.json.encode({"jsonrpc": "2.0", "method": event_id, "params": {**body, "notify_time": notify_time}})


def decode(data: bytes) -> Any:
    """A message or a batch of them; VerbError PARSE if it is no JSON."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
        raise VerbError(Code.PARSE, f"Not JSON: {err}") from err
