"""How a transaction says that somebody outside must be asked before it can decide.

Does: carry the question. Does not: ask; the store undoes the transaction, awaits `ask`, and runs it again, so that nobody
waits for an outsider inside a transaction.
"""

from collections.abc import Awaitable, Callable


class Unanswered(Exception):
    """ask: gets the answer and puts it where the next run of the same transaction finds it. forget: takes it away again."""

    def __init__(self, what: str, ask: Callable[[], Awaitable[None]], forget: Callable[[], None]) -> None:
        super().__init__(what)
        self.ask, self.forget = ask, forget
