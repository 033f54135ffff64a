"""Asking all sources at once, and storing what they say.

One thread a host asks part after part; the main thread alone stores, many parts in one commit.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from queue import Empty, Full, Queue
from threading import Event, Thread
from time import monotonic
from typing import Final

from stocktrend.errors import SourceError
from stocktrend.lake import Lake
from stocktrend.live.health import Health
from stocktrend.live.http import Http, NothingError
from stocktrend.live.marks import Mark, read_marks
from stocktrend.live.source import Source, Window
from stocktrend.live.storing import Counts, Storing
from stocktrend.progress import Progress, silent
from stocktrend.sources.batch import Batch

ROWS_PER_COMMIT: Final = 200_000
SECONDS_PER_COMMIT: Final = 60.0
"""What came is stored after this time at the latest, so that little is asked for again."""
MOST_WAITING: Final = 16
"""Parts that wait to be stored; then the threads that ask wait too."""
HEARTBEAT: Final = 0.2
SECONDS_TO_END: Final = 2.0


@dataclass(frozen=True)
class Asked:
    """A source, and how it is asked.

    Attributes:
        http: Makes its requests.
        host: Sources of one host are asked one after the other.
        since: First day wanted of a part that is not marked.
        fingerprint: Digest of the settings that decide the records of a part: a part whose mark
            has another one is asked for from its start.
        parts: That are asked for.
    """

    source: Source
    http: Http
    host: str
    since: date
    fingerprint: Callable[[str], str]
    parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fetched:
    """What came of a source.

    Attributes:
        parts: To ask for.
        done: Of them complete.
        failed: Part -> why it is not.
        lacking: Ticker -> that there are no bars of it, as of one that is delisted.
        skipped: Not asked for any more, since the source is down.
        counts: The fate of each row.
    """

    name: str
    table: str
    parts: int
    done: int
    failed: dict[str, str]
    lacking: dict[str, str]
    skipped: int
    counts: Counts

    @property
    def error(self) -> str | None:
        """Why it is not complete, in a line; None where it is.

        That some tickers are lacking is no failure, that most of them are is one.
        """
        most = 2 * len(self.lacking) > self.parts
        failed = {**self.failed, **(self.lacking if most else {})}
        if not failed:
            return None
        first = next(iter(failed.values()))
        others = len(failed) - 1 + self.skipped
        more = f" ({others:,} more of {self.parts:,} parts failed or were not asked for)"
        return first + (more if others else "")


@dataclass(frozen=True)
class _Job:
    asked: Asked
    part: str
    window: Window
    held: Mark | None
    mark: Mark | None


@dataclass
class _Standing:
    """Of one source: its thread writes ``health`` alone, the main thread the rest."""

    source: Source
    parts: int
    done: int = 0
    skipped: int = 0
    health: Health = field(default_factory=Health)
    failed: dict[str, str] = field(default_factory=dict)
    lacking: dict[str, str] = field(default_factory=dict)

    @property
    def over(self) -> int:
        return self.done + self.skipped + len(self.failed) + len(self.lacking)


@dataclass(frozen=True)
class _Answer:
    """``batches`` and ``failure`` both: what came before it failed. Neither: not asked for."""

    job: _Job
    batches: tuple[Batch, ...] = ()
    failure: SourceError | None = None
    asked: bool = True


_Arrivals = Queue[_Answer | BaseException]


def fetch(
    lake: Lake,
    asked: Sequence[Asked],
    *,
    now: datetime,
    clock: Callable[[], datetime] | None = None,
    since: date | None = None,
    progress: Progress = silent,
    wait: Callable[[str], None] = lambda line: None,
    seconds: float = SECONDS_PER_COMMIT,
) -> tuple[Fetched, ...]:
    """Ask sources for what is new, and store it.

    Args:
        lake: To store it in.
        asked: The sources; their names differ.
        now: The time: nothing later is believed.
        clock: Tells when what came is stored: revisions are known from then on. Default: now.
        since: Ask from this day on, whatever is marked.
        progress: Told about each part, one step a source.
        wait: Told in a line where another program writes to the lake.
        seconds: Between two commits, at most.

    Returns:
        Per source what came of it, failures included.

    Raises:
        LakeError: the lake is damaged or cannot be written; the sources are asked no more.
    """
    marks = read_marks(lake)
    hosts: dict[str, list[_Job]] = {}
    standings: dict[str, _Standing] = {}
    for one in asked:
        standings[one.source.name] = _Standing(one.source, len(one.parts))
        progress(one.source.name, 0, len(one.parts), "parts")
        hosts.setdefault(one.host, []).extend(_job(one, p, marks, now, since) for p in one.parts)
    arrivals: _Arrivals = Queue(MOST_WAITING)
    stop = Event()
    threads = [
        Thread(target=_ask, args=(jobs, standings, arrivals, stop), name=host, daemon=True)
        for host, jobs in hosts.items()
    ]
    storing = Storing(lake, clock or (lambda: now), wait)
    try:
        for thread in threads:
            thread.start()
        _receive(threads, arrivals, standings, storing, progress, seconds)
        if storing:
            storing.flush()
    finally:
        stop.set()
        end = monotonic() + SECONDS_TO_END
        for thread in threads:
            if thread.is_alive():
                thread.join(max(0.0, end - monotonic()))
    return tuple(_fetched(standing, storing) for standing in standings.values())


def _job(
    asked: Asked, part: str, marks: dict[str, Mark], now: datetime, since: date | None
) -> _Job:
    """What to ask of a part, and its mark once it has come.

    A day of the caller's own that leaves a gap behind what is marked marks nothing. A mark of a
    day that has not come is of a clock that was wrong, and is not believed.
    """
    source = asked.source
    name, print_ = f"{source.name}:{part}", asked.fingerprint(part)
    held = marks.get(name)
    begin, today = asked.since, Window(asked.since, now).today
    if held is not None and held.settings == print_ and held.until <= today:
        begin = max(begin, held.until - timedelta(days=source.overlap))
        until: date | None = held.until
    else:
        until = None
    start = begin if since is None else since
    gap = start > (asked.since if until is None else until)
    mark = None if gap else Mark(name, source.table, today, print_)
    return _Job(asked, part, Window(start, now), held, mark)


def _ask(
    jobs: Sequence[_Job],
    standings: dict[str, _Standing],
    arrivals: _Arrivals,
    stop: Event,
) -> None:
    """Ask for the parts of a host; runs in a thread of its own."""
    try:
        for job in jobs:
            standing = standings[job.asked.source.name]
            if stop.is_set():
                return
            down = standing.health.down
            answer = _Answer(job, asked=False) if down else _answer(job, stop)
            if answer.asked:
                standing.health.saw(answer.failure)
            _put(arrivals, answer, stop)
    except BaseException as error:  # noqa: BLE001 (the main thread raises it)
        _put(arrivals, error, stop)


def _answer(job: _Job, stop: Event) -> _Answer:
    batches: list[Batch] = []
    try:
        for batch in job.asked.source.fetch(job.part, job.window, job.asked.http):
            batches.append(batch)
            if stop.is_set():
                break
    except SourceError as error:
        return _Answer(job, tuple(batches), error)
    return _Answer(job, tuple(batches))


def _put(arrivals: _Arrivals, item: _Answer | BaseException, stop: Event) -> None:
    while not stop.is_set():
        try:
            arrivals.put(item, timeout=HEARTBEAT)
        except Full:
            continue
        return


def _receive(
    threads: Sequence[Thread],
    arrivals: _Arrivals,
    standings: dict[str, _Standing],
    storing: Storing,
    progress: Progress,
    seconds: float,
) -> None:
    """Take what arrives until all threads have ended and nothing is left."""
    stored = monotonic()
    while True:
        running = any(thread.is_alive() for thread in threads)
        try:
            item = arrivals.get(timeout=HEARTBEAT) if running else arrivals.get_nowait()
        except Empty:
            if not running:
                return
        else:
            if isinstance(item, BaseException):
                raise item
            standing = standings[item.job.asked.source.name]
            _take(item, standing, storing)
            progress(standing.source.name, standing.over, standing.parts, "parts")
        if storing and (storing.rows >= ROWS_PER_COMMIT or monotonic() - stored >= seconds):
            storing.flush()
            stored = monotonic()


def _take(answer: _Answer, standing: _Standing, storing: Storing) -> None:
    part = answer.job.part
    if not answer.asked:
        standing.skipped += 1
        return
    if answer.failure is None:
        standing.done += 1
    elif standing.source.table == "bars" and isinstance(answer.failure, NothingError):
        standing.lacking[part] = str(answer.failure)
    else:
        standing.failed[part] = str(answer.failure)
    mark = _reached(answer) if answer.failure is None else None
    storing.add(standing.source.name, answer.batches, mark, answer.job.held)


def _reached(answer: _Answer) -> Mark | None:
    """The mark of a part that came: of bars no later than the newest of them.

    A vendor that lags behind gives the bars that are missing later, and is asked for them then.
    """
    mark = answer.job.mark
    if mark is None or mark.table != "bars":
        return mark
    sessions = [batch.records["session"].max() for batch in answer.batches]
    newest = max((day for day in sessions if isinstance(day, date)), default=None)
    return None if newest is None else replace(mark, until=min(mark.until, newest))


def _fetched(standing: _Standing, storing: Storing) -> Fetched:
    name = standing.source.name
    return Fetched(
        name=name,
        table=standing.source.table,
        parts=standing.parts,
        done=standing.done,
        failed=standing.failed,
        lacking=standing.lacking,
        skipped=standing.skipped,
        counts=storing.counts.get(name, Counts()),
    )
