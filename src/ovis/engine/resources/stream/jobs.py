"""A job as pages follow it: the API's job with its steps and how far it is, in one item.

Does: read a set of jobs and their commands, at once. Does not: keep anything.
"""

from collections.abc import Collection, Mapping
from typing import Any

from ovis.engine.commands.table import OPEN, CommandRow
from ovis.engine.declare.call import Call
from ovis.engine.model.types import Job, Step
from ovis.engine.resources.jobs import shown, steps_of
from ovis.engine.store.session import Reader


def _milliseconds(moment: Any) -> int | None:
    return round(moment.timestamp() * 1000) if moment is not None else None


def _step(step: Step) -> dict[str, Any]:
    return {
        "number": step.number,
        "type": step.type.value if step.type else None,
        "description": step.description,
        "status": step.status.value if step.status else None,
        "progress": step.progress,
        "started": _milliseconds(step.start_time),
        "ended": _milliseconds(step.end_time),
    }


def read(
    rd: Reader, call: Call, ids: Collection[str], commands: Mapping[str, Any]
) -> list[tuple[Job, str, dict[str, Any], bool]]:
    """(job as the API shows it, its owner, what pages want beside it, whether it goes on) of those that are there.

    commands: what each kind of command declares (cancellable).
    """
    jobs = rd.get_many(Job, ids)
    rows = rd.get_many(CommandRow, jobs)
    found = []
    for job in shown(rd, call, list(jobs.values())):
        job_id = str(job.id)
        row = rows.get(job_id)
        stored = jobs[job_id]
        going_on = row is not None and row.status in OPEN
        declared = commands.get(row.name) if row is not None else None
        extra = {
            "correlation_id": (row.correlation_id if row is not None else stored.comment) or None,
            "progress": row.progress if row is not None and going_on else None,
            "cancellable": bool(going_on and declared is not None and declared.cancellable),
            "steps": [_step(step) for step in (steps_of(row) if row is not None else rd.find(Step, job_id=job_id))],
        }
        owner = str(job.owner.id) if job.owner is not None and job.owner.id else ""
        found.append((job, owner, extra, going_on))
    return found
