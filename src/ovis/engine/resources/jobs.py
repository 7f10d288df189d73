"""Jobs and their steps: /jobs.

Does: show commands as jobs; let other systems keep jobs of their own here (external ones). Does not: run anything.
A command's steps are shown from its row; only external steps are rows of their own.
Follows: permits `jobs_events` (external tasks); engine 4.5's job and step statuses.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from msgspec.structs import replace

from ovis.engine.commands.services import Services
from ovis.engine.commands.table import JOBS, OPEN, CommandRow, CommandStatus, StepRecord, moment
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import NotFound, refuse
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import PUBLIC, Action as ApiAction, Need, Op, Resource
from ovis.engine.model.enums import (
    ExternalSystemType,
    JobStatus,
    StatisticKind,
    StatisticUnit,
    StepEnum,
    StepStatus,
    ValueType,
)
from ovis.engine.model.types import Action, Job, Statistic, Step, User, Value
from ovis.engine.resources import bodies
from ovis.engine.resources.bodies import TextRule
from ovis.engine.resources.live import running_hook
from ovis.engine.store.search import Field, SearchObject
from ovis.engine.store.session import Reader, Tx

_EXTERNAL = (Need(Permit.INJECT_EXTERNAL_TASKS, "system"),)
_DESCRIPTION = TextRule(4000, 1, too_long="VALIDATION_JOB_DESCRIPTION_MAX")


# -- jobs ---------------------------------------------------------------------------------------------------------


def shown(rd: Reader, call: Call, found: Sequence[Job]) -> Sequence[Job]:
    """Without the correlation id that is kept in the comment; running ones with the time of their last step."""
    rows = rd.get_many(CommandRow, [str(j.id) for j in found if j.status is JobStatus.STARTED and not j.external])
    out = []
    for job in found:
        row = rows.get(str(job.id))
        last = max((r.ended or r.started for r in row.records), default=0) if row else 0
        out.append(replace(job, comment=None, last_updated=moment(last) if last else job.last_updated))
    return out


def add(tx: Tx, call: Call, body: Job) -> Job:
    """POST /jobs: a job of another system."""
    bodies.raise_all(bodies.text_refusals(body.description, "description", _DESCRIPTION))
    now = call.now
    return tx.insert(
        Job(
            id=bodies.new_id(),
            description=body.description,
            auto_cleared=bool(body.auto_cleared),
            external=True,
            status=JobStatus.STARTED,
            start_time=now,
            last_updated=now,
            owner=User(id=call.principal.user_id),
            comment=call.correlation_id or None,
        )
    )


def _external_job(tx: Tx, job_id: str) -> Job:
    job = tx.need(Job, job_id)
    if not job.external:
        raise refuse("ACTION_TYPE_NOT_EXTERNAL", f"Job {job.description} is the engine's own.", bad=True)
    return job


async def end_job(services: Services, call: Call, action: Action) -> None:
    """POST end of another system's job; of the engine's own one, with force: ask it to stop, refused if it cannot."""
    job = await services.store.read(lambda rd: rd.need(Job, call.ids[-1]))
    if action.force and not job.external:
        await services.runner.cancel(str(job.id))
    else:
        await services.store.write(lambda tx: _end_external(tx, call, action))


def _end_external(tx: Tx, call: Call, action: Action) -> None:
    """Finished, or failed if `succeeded` is false; open steps end alike. force: ends it as aborted."""
    job = _external_job(tx, call.ids[-1])
    if job.status is not JobStatus.STARTED:
        return
    good = action.succeeded is not False
    status = JobStatus.ABORTED if action.force else JobStatus.FINISHED if good else JobStatus.FAILED
    for step in tx.find(Step, job_id=str(job.id)):
        if step.status is StepStatus.STARTED:
            tx.update(replace(step, status=StepStatus(status.value), end_time=call.now))
    tx.update(replace(job, status=status, end_time=call.now, last_updated=call.now))


def clear_job(tx: Tx, call: Call, action: Action) -> None:
    """POST clear: the job goes away with its steps."""
    job = _external_job(tx, call.ids[-1])
    for step in tx.find(Step, job_id=str(job.id)):
        tx.delete(Step, str(step.id))
    tx.delete(Job, str(job.id))


# -- steps --------------------------------------------------------------------------------------------------------


def steps(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Step]]:
    """The steps of each job, in order."""
    found: dict[str, list[Step]] = {parent: [] for parent in parents}
    for job_id, row in rd.get_many(CommandRow, parents).items():
        found[job_id] = steps_of(row)
    for step in rd.find(Step, job_id=list(parents)):
        if step.job is not None and step.job.id is not None:
            found[step.job.id].append(step)
    for listed in found.values():
        listed.sort(key=lambda s: (s.number or 0, s.start_time or datetime.now(UTC)))
    return found


def steps_of(row: CommandRow) -> list[Step]:
    """A command's begun steps as a job's; steps without a title are the engine's own business."""
    shown_steps = []
    records = row.records or ()
    for number, (record, title, phase) in enumerate(zip(records, row.titles, row.phases, strict=True)):
        current = number == row.step and row.status is CommandStatus.RUNNING
        if not title or not (record.started or current):
            continue
        hook = running_hook([s.id for s in row.subjects]) if current else ""
        shown_steps.append(
            Step(
                id=bodies.derived_id("step", row.id, str(number)),
                job=Job(id=row.id),
                number=number,
                description=f"{title} (a hook runs: {hook})" if hook else title,
                type=StepEnum(phase),
                status=_status(row, record),
                external=False,
                start_time=moment(record.started or row.since),
                end_time=moment(record.ended) if record.ended else None,
                progress=row.progress if current and row.progress else None,
            )
        )
    return shown_steps


def _status(row: CommandRow, record: StepRecord) -> StepStatus:
    if not record.ended:
        return StepStatus.STARTED if row.status in OPEN else StepStatus.ABORTED
    if record.failed:
        cancelled = row.status is CommandStatus.CANCELLED
        return StepStatus.ABORTED if cancelled else StepStatus.FAILED
    return StepStatus.FINISHED


def add_step(tx: Tx, call: Call, body: Step) -> Step:
    """POST /jobs/ID/steps: a step of an external job."""
    job = _external_job(tx, call.ids[0])
    if job.status is not JobStatus.STARTED:
        raise refuse("EXTERNAL_JOB_NOT_STARTED", f"Job {job.description} has ended.")
    bodies.raise_all(bodies.text_refusals(body.description, "description", _DESCRIPTION))
    known = tx.find(Step, job_id=str(job.id))
    if body.parent_step is not None and body.parent_step.id not in {s.id for s in known}:
        raise NotFound(f"Step: id={body.parent_step.id}", named=True)
    made = tx.insert(
        Step(
            id=bodies.new_id(),
            job=Job(id=job.id),
            parent_step=Step(id=body.parent_step.id) if body.parent_step else None,
            number=body.number if body.number is not None else len(known),
            description=body.description,
            type=body.type,
            status=body.status or StepStatus.STARTED,
            external=True,
            external_type=body.external_type or ExternalSystemType.VDSM,
            start_time=call.now,
        )
    )
    tx.update(replace(job, last_updated=call.now))
    return made


def end_step(tx: Tx, call: Call, action: Action) -> None:
    """POST end on a step."""
    job = _external_job(tx, call.ids[0])
    step = tx.get(Step, call.ids[-1])
    if step is None or step.job is None or step.job.id != job.id:
        raise NotFound(f"Step: id={call.ids[-1]}")
    good = action.succeeded is not False
    status = StepStatus.ABORTED if action.force else StepStatus.FINISHED if good else StepStatus.FAILED
    tx.update(replace(step, status=status, end_time=call.now))
    tx.update(replace(job, last_updated=call.now))


def step_statistics(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Statistic]]:
    """Progress of steps that tell it. Steps belong to the job in the path."""
    job_id = call.ids[0]
    known = {str(s.id): s for s in steps(rd, call, [job_id])[job_id]}
    return {parent: _progress(known[parent]) if parent in known else [] for parent in parents}


def _progress(step: Step) -> list[Statistic]:
    if step.progress is None:
        return []
    return [
        Statistic(
            id=bodies.derived_id("statistic", "step", str(step.id), "progress"),
            name="progress",
            description="Progress of the step",
            kind=StatisticKind.GAUGE,
            type=ValueType.INTEGER,
            unit=StatisticUnit.PERCENT,
            step=Step(id=step.id),
            values=[Value(datum=float(step.progress))],
        )
    ]


SEARCH = SearchObject(
    table=JOBS,
    prefix="Jobs",
    default=("start_time",),
    fields={"correlation_id": Field("text", "correlation_id", free=False)},
)
_END = ("async", "force", "succeeded")
STEPS_OF_JOB = Resource(
    type=Step,
    collection="steps",
    list=Op(run=steps, needs=PUBLIC),
    get=Op(needs=PUBLIC),
    add=Op(run=add_step, needs=_EXTERNAL, mandatory=("type", "description")),
    actions=(ApiAction(name="end", run=end_step, needs=_EXTERNAL, body=_END, mandatory=("succeeded",)),),
    subs=(
        Resource(
            type=Statistic,
            collection="statistics",
            list=Op(run=step_statistics, needs=PUBLIC),
            get=Op(needs=PUBLIC),
        ),
    ),
)
RESOURCE = Resource(
    type=Job,
    collection="jobs",
    table=JOBS,
    search=SEARCH,
    derive=shown,
    list=Op(needs=PUBLIC, doc="Lists what the engine does and did lately."),
    get=Op(needs=PUBLIC),
    add=Op(run=add, needs=_EXTERNAL, mandatory=("description",)),
    actions=(
        ApiAction(name="clear", run=clear_job, needs=_EXTERNAL, body=("async",)),
        ApiAction(name="end", run=end_job, needs=_EXTERNAL, body=_END),
    ),
    subs=(STEPS_OF_JOB,),
)
__all__ = ["RESOURCE", "steps_of"]
