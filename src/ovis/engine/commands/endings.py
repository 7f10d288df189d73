"""How jobs end and when they are forgotten.

Does: close the job of a command, sweep what ended long enough ago. Does not: run anything.
Follows: engine 4.5 keeps finished jobs 10 minutes and failed ones 60 minutes.
"""

import sqlalchemy as sa
from msgspec.structs import replace

from ovis.engine.commands.table import (
    OPEN,
    CommandRow,
    CommandStatus,
    milliseconds,
    moment,
)
from ovis.engine.model.enums import JobStatus
from ovis.engine.model.types import Job
from ovis.engine.store.session import Tx

KEEP_FINISHED_MS = 10 * 60 * 1000
KEEP_FAILED_MS = 60 * 60 * 1000
_JOB_STATUS = {
    CommandStatus.SUCCEEDED: JobStatus.FINISHED,
    CommandStatus.FAILED: JobStatus.FAILED,
    CommandStatus.CANCELLED: JobStatus.ABORTED,
}


def finish_job(tx: Tx, row: CommandRow) -> None:
    """The job says how the command ended."""
    job = tx.get(Job, row.id)
    if job is not None:
        ended = moment(row.ended)
        tx.update(replace(job, status=_JOB_STATUS[row.status], end_time=ended, last_updated=ended))


def forget_finished(tx: Tx) -> int:
    """Drop jobs and commands that ended long enough ago. How many jobs went."""
    now = milliseconds()
    commands = tx.sql(CommandRow)
    tx.delete_where(
        CommandRow,
        commands.c.status.not_in([status.value for status in OPEN]),
        sa.or_(
            sa.and_(commands.c.status == CommandStatus.SUCCEEDED.value, commands.c.ended < now - KEEP_FINISHED_MS),
            commands.c.ended < now - KEEP_FAILED_MS,
        ),
    )
    jobs = tx.sql(Job)
    old = sa.or_(
        sa.and_(
            jobs.c.status == JobStatus.FINISHED.value,
            jobs.c.end_time < now - KEEP_FINISHED_MS,
        ),
        jobs.c.end_time < now - KEEP_FAILED_MS,
    )
    # An external job stays unless its owner said that it clears itself.
    stays = sa.and_(jobs.c.external.is_(True), jobs.c.auto_cleared.is_not(True))
    return tx.delete_where(Job, old, sa.not_(stays))
