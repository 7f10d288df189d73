"""Runs commands: step after step, back again when one fails, on after a restart.

Does: execute, record, undo, cancel, take over what a dead engine left, tell those who wait.
Does not: know any feature. Each step's writes, its record and the command's end are one transaction.

Several engines share the commands: each renews one row (`engines`); commands of an engine whose row has expired are
taken by whoever sees it first. An engine that was away too long notices when it records a step, and lets go.
A database that goes away stops nothing but time: what a step did is recorded when it is back.
"""

import asyncio
import dataclasses
import inspect
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa
import structlog
from msgspec.structs import replace

from ovis.engine.commands.begin import words_of
from ovis.engine.commands.context import Cancelled, CommandFailed, Context
from ovis.engine.commands.declaration import Command, StepFunction
from ovis.engine.commands.endings import finish_job, forget_finished
from ovis.engine.commands.locks import release
from ovis.engine.commands.table import (
    COMMANDS,
    OPEN,
    CommandRow,
    CommandStatus,
    Engine,
    Problem,
    StepRecord,
    milliseconds,
)
from ovis.engine.declare.call import Principal
from ovis.engine.declare.faults import Fault, Refused, refuse
from ovis.engine.events import Audit, record
from ovis.engine.hostlink.errors import HostError, HostUnreachable
from ovis.engine.model.enums import LogSeverity
from ovis.engine.model.types import Job
from ovis.engine.store.database import DatabaseLost
from ovis.engine.store.prepared import Prepared
from ovis.engine.store.session import Change, Tx

if TYPE_CHECKING:
    from ovis.engine.commands.services import Services

log = structlog.get_logger(__name__)
LEASE = 30.0  # seconds that an engine may be silent before others take its commands
_UNDO_DELAYS = (
    1.0,
    3.0,
    10.0,
)  # an undo that a host refuses or does not answer is tried again after these
_DATABASE_DELAYS = (0.05, 5.0)  # the first and the longest wait for a database that went away
LEFT = Audit(
    code=20001,
    severity=LogSeverity.ERROR,
    text="{operation} could not be undone completely; look after: {steps}. Reason: {reason}",
)
UNKNOWN = Audit(
    code=20002,
    severity=LogSeverity.ERROR,
    text="{operation} was begun by another version of the engine and cannot go on; what it did so far stays.",
)


class LeaseLost(Exception):
    """Another engine runs this command now."""


class Runner:
    """One per engine. owner: a name of this engine that stays the same over its restarts."""

    def __init__(
        self,
        services: "Services",
        commands: Iterable[Command],
        *,
        owner: str = "engine",
        concurrency: int = 200,
        lease: float = LEASE,
        undo_delays: Sequence[float] = _UNDO_DELAYS,
    ) -> None:
        self.commands: dict[str, Command] = {}
        for command in commands:
            if command.name in self.commands:
                raise ValueError(f"two commands are named {command.name}")
            self.commands[command.name] = command
        self.owner = owner
        self._services = services
        self._store = services.store
        self._store.owner = owner
        self._running = False
        self._slots = asyncio.Semaphore(concurrency)
        self._lease = lease
        self._undo_delays = tuple(undo_delays)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._contexts: dict[str, Context] = {}
        self._waiting: dict[str, asyncio.Future[CommandRow]] = {}
        self._reported: dict[str, float] = {}
        self._upkeep: asyncio.Task[None] | None = None
        sql = services.store.schema.sql[COMMANDS.name]
        self._save_row = Prepared(
            sql.update()
            .where(sql.c.id == sa.bindparam("key"), sa.or_(sql.c.owner == sa.bindparam("mine"), sql.c.owner == ""))
            .values(
                version=sql.c.version + 1,
                doc=sa.bindparam("doc"),
                status=sa.bindparam("status"),
                owner=sa.bindparam("mine"),
                ended=sa.bindparam("ended"),
            )
            .returning(sql.c.cancel)
        )
        services.store.on_commit(self._committed)

    # -- life ------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin: take up what was left, then whatever is committed."""
        self._running = True
        await self._store.write(self._renew)
        await self._take_over()
        self._upkeep = asyncio.create_task(self._keep_up(), name="commands-upkeep")

    async def stop(self) -> None:
        """Let go at once; unfinished steps run again after the next start."""
        self._running = False
        tasks = [*self._tasks.values(), *([self._upkeep] if self._upkeep else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks.clear()

    async def _keep_up(self) -> None:
        beat = 0
        while True:
            await asyncio.sleep(self._lease / 3)
            beat += 1
            try:
                await self._store.write(self._renew)
                await self._take_over()
                if beat % 3 == 0:
                    await self._store.write(forget_finished)
            except (sa.exc.SQLAlchemyError, DatabaseLost) as err:
                log.error("commands upkeep failed", error=repr(err))

    def _renew(self, tx: Tx) -> None:
        tx.put(Engine(id=self.owner, expires=milliseconds() + round(self._lease * 1000)))

    async def _take_over(self) -> None:
        """Adopt open commands that are ours from before, or whose engine is gone."""

        def claim(tx: Tx) -> tuple[list[str], list[str]]:
            now = milliseconds()
            alive = {e.id for e in tx.select(Engine) if e.expires > now and e.id != self.owner}
            sql = tx.sql(CommandRow)
            rows = tx.rows(sa.select(sql.c.id, sql.c.owner, sql.c.since, sql.c.cancel).where(sql.c.status.in_(OPEN)))
            mine = []
            for id_, owner, since, _ in rows:
                if id_ in self._tasks or owner in alive:
                    continue
                # Not taken by the engine that stored it: it may be about to. Alone, nobody else can be.
                if owner == "" and alive and since > now - self._lease * 1000:
                    continue
                row = tx.need(CommandRow, id_)
                if self._known(row) is None:
                    if not alive:  # else an engine that knows it may come and take it
                        self._give_up(tx, row)
                    continue
                tx.update(replace(row, owner=self.owner))
                mine.append(id_)
            return mine, [id_ for id_, owner, _, cancel in rows if cancel and owner == self.owner]

        mine, cancelled = await self._store.write(claim)
        for command_id in mine:
            self._spawn(command_id)
        for command_id in cancelled:
            self._stop(command_id)

    def _known(self, row: CommandRow) -> tuple[Command, Any] | None:
        """The command with its steps in the order in which it began, and its parameters; None if this is not ours."""
        command = self.commands.get(row.name)
        if command is None:
            return None
        steps = {step.name: step for step in command.steps}
        if any(name not in steps for name in row.plan):
            return None
        try:
            params = msgspec.json.decode(row.params, type=command.params)
        except msgspec.DecodeError:
            return None
        return dataclasses.replace(command, steps=tuple(steps[name] for name in row.plan)), params

    def _give_up(self, tx: Tx, row: CommandRow) -> None:
        """End a command that no engine here can go on with: its objects must not stay locked for ever."""
        log.error("unknown command", command=row.name, id=row.id)
        problem = Problem(code="UNKNOWN", text="The operation belongs to another version of the engine.", status=500)
        row = replace(row, status=CommandStatus.FAILED, ended=milliseconds(), problem=problem)
        tx.update(row)
        release(tx, row.id)
        if not row.hidden:
            finish_job(tx, row)
        record(tx, UNKNOWN, correlation_id=row.correlation_id, operation=_operation(tx, row))

    def _committed(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if change.table == COMMANDS.name and change.operation == "insert":
                self._spawn(change.id, change.document)

    def _spawn(self, command_id: str, row: CommandRow | None = None) -> None:
        if not self._running or command_id in self._tasks:
            return
        task = asyncio.create_task(self._run(command_id, row), name=f"command-{command_id}")
        self._tasks[command_id] = task
        task.add_done_callback(lambda t: self._gone(command_id, t))

    def _gone(self, command_id: str, task: asyncio.Task[None]) -> None:
        self._tasks.pop(command_id, None)
        self._contexts.pop(command_id, None)
        self._reported.pop(command_id, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("command stopped", command=command_id, error=repr(error))

    # -- what others ask -------------------------------------------------------------------------------------

    async def wait(self, command_id: str, *, quiet: bool = False) -> CommandRow:
        """The command's row once it has ended. Raises CommandFailed if it did not succeed, unless quiet."""
        while True:
            # Registered before looking, so that an end between the two is not missed.
            future = self._waiting.get(command_id)
            if future is None:
                future = self._waiting[command_id] = asyncio.get_running_loop().create_future()
            if command_id not in self._tasks:
                row = await self._store.read(lambda rd: rd.need(CommandRow, command_id))
                if row.status not in OPEN:
                    self._waiting.pop(command_id, None)
                    break
            try:
                # The time-out is for commands that another engine runs.
                async with asyncio.timeout(1.0):
                    row = await asyncio.shield(future)
                break
            except TimeoutError:
                continue
        if row.status is not CommandStatus.SUCCEEDED and not quiet:
            problem = row.problem or Problem(code="", text="The operation failed.")
            raise CommandFailed(f"[{problem.text}]", status=problem.status)
        return row

    async def state(self, command_id: str) -> str | None:
        """`pending`, `in_progress`, `complete` or `failed`, as actions and creations show it; None if unknown."""
        row = await self._store.read(lambda rd: rd.get(CommandRow, command_id))
        if row is None:
            return None
        if row.status in OPEN:
            return "in_progress" if row.owner else "pending"
        return "complete" if row.status is CommandStatus.SUCCEEDED else "failed"

    async def cancel(self, command_id: str) -> None:
        """Ask a command to stop. It does so between steps, or where a step looks. Refused if it cannot be stopped."""

        def mark(tx: Tx) -> bool:
            row = tx.need(CommandRow, command_id)
            command = self.commands.get(row.name)
            if command is not None and not command.cancellable:
                raise refuse("ACTION_TYPE_FAILED_NOT_CANCELLABLE", "This operation cannot be cancelled.")
            if row.status is CommandStatus.RUNNING and not row.cancel:
                tx.update(replace(row, cancel=True))
            return row.status is CommandStatus.RUNNING

        if await self._store.write(mark):
            self._stop(command_id)

    def _stop(self, command_id: str) -> None:
        ctx = self._contexts.get(command_id)
        if ctx is not None:
            ctx.stop.set()

    async def idle(self) -> None:
        """Return when no command runs here (for tests and orderly stops)."""
        while self._tasks:
            await asyncio.wait(list(self._tasks.values()))

    # -- one command -----------------------------------------------------------------------------------------

    async def _run(self, command_id: str, row: CommandRow | None) -> None:
        async with self._slots:
            if row is None:
                row = await self._store.read(lambda rd: rd.get(CommandRow, command_id))
                if row is None:
                    return
            known = self._known(row)
            if known is None:
                log.error("unknown command", command=row.name, id=command_id)
                return
            command, params = known
            ctx = self._context(params, row)
            try:
                if row.status is CommandStatus.RUNNING:
                    row = await self._forward(command, row, ctx)
                if row.status is CommandStatus.UNDOING:
                    row = await self._backward(command, row, ctx)
            except LeaseLost:
                log.warning("command taken by another engine", command=command_id)
                return
            except DatabaseLost as err:
                log.warning("command left for later", command=command_id, error=err.detail)
                return
            waiting = self._waiting.pop(command_id, None)
            if waiting is not None and not waiting.done():
                waiting.set_result(row)

    def _context(self, params: Any, row: CommandRow) -> Context:
        ctx = Context(
            services=self._services,
            command_id=row.id,
            params=params,
            state=msgspec.json.decode(msgspec.json.encode(row.state)),
            correlation_id=row.correlation_id,
            user=Principal(user_id=row.user_id, name=row.user_name),
            report=self._report,
        )
        if row.cancel:
            ctx.stop.set()
        self._contexts[row.id] = ctx
        return ctx

    async def _forward(self, command: Command, row: CommandRow, ctx: Context) -> CommandRow:
        if not command.steps:
            return await self._keep(row, partial(self._end, command, row, ctx))
        while row.status is CommandStatus.RUNNING and row.step < len(command.steps):
            step = command.steps[row.step]
            started = milliseconds()
            before = msgspec.json.encode(ctx.state)
            ran = False
            try:
                if command.cancellable:
                    ctx.stop_if_cancelled()
                ran = True
                row = await self._once(step.run, row, ctx, partial(self._done, command, row, ctx, started))
            except (LeaseLost, DatabaseLost):
                raise
            except Exception as err:
                if not step.undo_own:  # else what the failed step noted is what its undo looks at
                    _restore(ctx, before)
                problem = _problem(err)
                if not isinstance(err, (Fault, HostError, HostUnreachable)):
                    log.exception("a step failed", command=command.name, step=step.name, id=row.id)
                ctx.problem = problem.text
                undo_it = ran and step.undo_own
                return await self._keep(row, partial(self._turn, row, ctx, undo_it, started, problem))
        return row

    async def _backward(self, command: Command, row: CommandRow, ctx: Context) -> CommandRow:
        ctx.problem = row.problem.text if row.problem else ""
        while row.status is CommandStatus.UNDOING and row.step >= 0:
            step = command.steps[row.step]
            if step.undo is None:
                row = replace(row, step=row.step - 1)
                continue
            for delay in (*self._undo_delays, None):
                try:
                    row = await self._once(step.undo, row, ctx, partial(self._undone, row, ctx))
                    break
                except (LeaseLost, DatabaseLost):
                    raise
                except Exception as err:
                    known = isinstance(err, (HostError, HostUnreachable))
                    if known and delay is not None:
                        log.warning("undo failed", command=command.name, step=step.name, id=row.id, error=repr(err))
                        await asyncio.sleep(delay)
                        continue
                    log.exception("an undo failed for good", command=command.name, step=step.name, id=row.id)
                    # The rest is still taken back, and users are told what is left to them.
                    left = f"{row.titles[row.step] or step.name} ({_problem(err).text})"
                    row = replace(row, step=row.step - 1, left=(*row.left, left))
                    break
        return await self._keep(row, partial(self._fail, command, row, ctx))

    async def _once(
        self, run: StepFunction, row: CommandRow, ctx: Context, keep: Callable[[Tx], CommandRow]
    ) -> CommandRow:
        """Run a step or an undo, and record it in the same transaction as what it writes."""
        if inspect.iscoroutinefunction(run):
            finish = await run(ctx)

            def after(tx: Tx) -> CommandRow:
                if finish is not None:
                    finish(tx)
                return keep(tx)

            return await self._keep(row, after)
        before = msgspec.json.encode(ctx.state)

        def both(tx: Tx) -> CommandRow:
            _restore(ctx, before)  # it may be the second time, see _keep
            run(tx, ctx)
            return keep(tx)

        return await self._keep(row, both)

    async def _keep(self, row: CommandRow, run: Callable[[Tx], CommandRow]) -> CommandRow:
        """Write a record, however long the database is away. row: where the command stood before.

        Nobody knows whether a commit whose answer was lost took place, so the next try looks first.
        """
        unknown = False

        def again(tx: Tx) -> CommandRow:
            if unknown:
                stored = tx.get(CommandRow, row.id)
                if stored is not None and stored.owner == self.owner and _moved(stored, row):
                    return stored
            return run(tx)

        delay, longest = _DATABASE_DELAYS
        while True:
            try:
                return await self._store.write(again)
            except DatabaseLost as err:
                if not self._running:
                    raise
                unknown = unknown or err.unknown
                log.warning("the database is away", command=row.id, error=err.detail)
                await asyncio.sleep(delay)
                delay = min(2 * delay, longest)

    # -- records ---------------------------------------------------------------------------------------------

    def _save(self, tx: Tx, row: CommandRow) -> CommandRow:
        kept = replace(row, owner=self.owner)
        values = {"key": kept.id, "mine": self.owner, "status": kept.status.value, "ended": kept.ended}
        done = self._save_row.rows(tx.connection, {**values, "doc": msgspec.json.encode(kept)})
        if not done:
            raise LeaseLost(row.id)
        if done[0][0] and not kept.cancel:  # asked for elsewhere, or since this row was read
            kept = replace(kept, cancel=True)
            self._save_row.rows(tx.connection, {**values, "doc": msgspec.json.encode(kept)})
            tx.after_commit(partial(self._stop, kept.id))
        return kept

    def _done(self, command: Command, row: CommandRow, ctx: Context, started: int, tx: Tx) -> CommandRow:
        row = _recorded(row, started, failed=False)
        row = replace(
            row,
            step=row.step + 1,
            state=dict(ctx.state),
            progress=0,
            cancel=row.cancel or ctx.cancelled,
        )
        return self._end(command, row, ctx, tx) if row.step == len(command.steps) else self._save(tx, row)

    def _end(self, command: Command, row: CommandRow, ctx: Context, tx: Tx) -> CommandRow:
        row = self._save(tx, replace(row, status=CommandStatus.SUCCEEDED, ended=milliseconds()))
        self._close(tx, command, row, ctx)
        return row

    def _turn(self, row: CommandRow, ctx: Context, undo_it: bool, started: int, problem: Problem, tx: Tx) -> CommandRow:
        row = _recorded(row, started, failed=True)
        back_to = row.step if undo_it else row.step - 1
        return self._save(
            tx,
            replace(
                row,
                status=CommandStatus.UNDOING,
                step=back_to,
                state=dict(ctx.state),
                problem=problem,
                progress=0,
            ),
        )

    def _undone(self, row: CommandRow, ctx: Context, tx: Tx) -> CommandRow:
        return self._save(tx, replace(row, step=row.step - 1, state=dict(ctx.state)))

    def _fail(self, command: Command, row: CommandRow, ctx: Context, tx: Tx) -> CommandRow:
        cancelled = row.problem is not None and row.problem.code == _CANCELLED
        status = CommandStatus.CANCELLED if cancelled else CommandStatus.FAILED
        row = self._save(tx, replace(row, status=status, ended=milliseconds()))
        self._close(tx, command, row, ctx)
        return row

    def _close(self, tx: Tx, command: Command, row: CommandRow, ctx: Context) -> None:
        release(tx, row.id)
        if not row.hidden:
            finish_job(tx, row)
        if row.left:
            reason = row.problem.text if row.problem else ""
            steps, operation = "; ".join(row.left), _operation(tx, row)
            record(tx, LEFT, correlation_id=row.correlation_id, operation=operation, steps=steps, reason=reason)
        audit = command.done if row.status is CommandStatus.SUCCEEDED else command.failed
        if audit is not None:
            words = self._last_words(tx, command, row, ctx)
            words.pop("user", None)
            words["reason"] = row.problem.text if row.problem else ""
            user = ctx.user if row.user_id else None
            record(tx, audit, user=user, correlation_id=row.correlation_id, **words)

    def _last_words(self, tx: Tx, command: Command, row: CommandRow, ctx: Context) -> dict[str, Any]:
        """Words of the last event. What a room cannot say any more must not keep its command from ending."""
        try:
            return words_of(tx, command, ctx.params, ctx.state, row.subjects, row.user_name)
        except sa.exc.SQLAlchemyError:
            raise
        except Exception:
            log.exception("no words for the last event", command=command.name, id=row.id)
            plain = dataclasses.replace(command, words=None)
            return words_of(tx, plain, ctx.params, ctx.state, row.subjects, row.user_name)

    async def _report(self, command_id: str, percent: int) -> None:
        """Progress is stored at most once a second."""
        now = asyncio.get_running_loop().time()
        if now - self._reported.get(command_id, 0.0) < 1.0 and percent < 100:
            return
        self._reported[command_id] = now

        def save(tx: Tx) -> None:
            row = tx.get(CommandRow, command_id)
            if row is not None and row.owner in ("", self.owner) and row.progress != percent:
                tx.update(replace(row, progress=percent))

        try:
            await self._store.write(save)
        except DatabaseLost:
            log.warning("progress not stored", command=command_id, percent=percent)


_CANCELLED = "CANCELLED"


def _restore(ctx: Context, state: bytes) -> None:
    ctx.state.clear()
    ctx.state.update(msgspec.json.decode(state))


def _moved(stored: CommandRow, before: CommandRow) -> bool:
    """Whether a record that was to follow `before` is there already."""
    return (stored.status, stored.step) != (before.status, before.step) or stored.ended != before.ended


def _operation(tx: Tx, row: CommandRow) -> str:
    """What users call a command: its job's description."""
    job = None if row.hidden else tx.get(Job, row.id)
    return (job.description if job is not None else None) or row.name


def _recorded(row: CommandRow, started: int, *, failed: bool) -> CommandRow:
    ended = StepRecord(started=started, ended=milliseconds(), failed=failed)
    return replace(row, records=(*row.records[: row.step], ended, *row.records[row.step + 1 :]))


def _problem(err: Exception) -> Problem:
    """What a failed step leaves for events, jobs and those who wait."""
    if isinstance(err, Cancelled):
        return Problem(code=_CANCELLED, text=err.detail, status=409)
    if isinstance(err, Refused):
        return Problem(
            code=err.reasons[0].code if err.reasons else "",
            text=err.detail.strip("[]"),
            status=err.status,
        )
    if isinstance(err, HostError):
        return Problem(code=str(err.code), text=err.message)
    if isinstance(err, sa.exc.IntegrityError):
        return Problem(code="CONFLICT", text="The object is in use, or one like it exists.", status=409)
    if isinstance(err, Fault):
        return Problem(code="", text=(err.detail or err.reason).strip("[]"), status=err.status)
    if isinstance(err, HostUnreachable):
        return Problem(code="NETWORK", text=str(err))
    return Problem(code="INTERNAL", text=f"Internal error: {type(err).__name__}.", status=500)
