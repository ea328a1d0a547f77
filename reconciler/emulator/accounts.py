"""One emulated account: answers its requests, and keeps their log, the faults and the deliveries for tests."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

from reconciler.emulator import seeding, showing
from reconciler.emulator.answers import Answer, Refusal, bad_request, encode, problem
from reconciler.emulator.calls import Call
from reconciler.emulator.deliveries import Delivery, Postman, deliveries_of
from reconciler.emulator.faults import Fault, meet, rule
from reconciler.emulator.operations import find
from reconciler.emulator.options import OPTION_NAMES, Options
from reconciler.emulator.quota import Clock, QuotaDecision, Window
from reconciler.emulator.state import Now, State

CONTENT_TYPES = {
    "POST": "application/json",
    "PUT": "application/json",
    "PATCH": "application/merge-patch+json",
}
FREE = QuotaDecision(True, {})
KEPT = 1_000_000  # requests and deliveries, so that a server left running does not grow for ever


class Recorded(TypedDict):
    """A request as it came in. `status` is None while it runs and where the client got no answer.

    `beside` holds the `seq` of every request that was under way when this one came in.
    """

    seq: int
    at: str
    method: str
    path: str
    query: dict[str, str]
    body: Any
    status: int | None
    fault: str | None
    beside: list[int]


class Account:
    """One account behind one connection. All methods may be called from any thread."""

    def __init__(self, connection: str, state: State, now: Now, clock: Clock, postman: Postman) -> None:
        self.connection = connection
        self.content = state
        self.lock = threading.RLock()
        self.dirty = True  # differs from what the store holds
        self._now = now
        self._clock = clock
        self._window = Window(clock)
        self._postman = postman
        self._log: deque[Recorded] = deque(maxlen=KEPT)
        self._seq = 0
        self._running: set[int] = set()
        self._faults: list[Fault] = []
        self._deliveries: deque[Delivery] = deque(maxlen=KEPT)

    # For tests

    @property
    def options(self) -> Options:
        self.dirty = True
        return self.content.options

    @property
    def requests(self) -> list[Recorded]:
        """What arrived since the last `clear`, in order; silent requests excepted."""
        with self.lock:
            return list(self._log)

    @property
    def writes(self) -> list[Recorded]:
        return [entry for entry in self.requests if entry["method"] != "GET"]

    def clear(self) -> None:
        """Empties the log; content, faults and deliveries stay."""
        with self.lock:
            self._log.clear()

    def fault(
        self,
        kind: str,
        *,
        method: str | None = None,
        path: str | None = None,
        nth: int = 1,
        times: int | None = 1,
        **parameters: object,
    ) -> Fault:
        """Adds a fault for requests of `method` whose native path matches the regex `path`."""
        match = {"method": method, "path": path, "nth": nth, "times": times}
        added = rule(kind, match, **parameters)
        with self.lock:
            self._faults.append(added)
        return added

    def set_faults(self, rules: Iterable[Mapping[str, Any]]) -> None:
        """Replaces all faults by rules in plain form: {kind, match: {...}, parameters...}. Held requests go on."""
        made = [rule(**entry) for entry in rules]
        with self.lock:
            self._faults = made

    def has(self, fault: Fault) -> bool:
        """Whether the rule still is one of the account's."""
        return any(each is fault for each in self.faults)

    @property
    def faults(self) -> list[Fault]:
        with self.lock:
            return list(self._faults)

    @property
    def deliveries(self) -> list[Delivery]:
        with self.lock:
            return list(self._deliveries)

    def state(self, times: bool = False) -> dict[str, Any]:
        with self.lock:
            return showing.shown(self.content, times)

    def ids(self) -> dict[str, dict[str, Any]]:
        with self.lock:
            return showing.ids(self.content)

    def seed(self, content: Mapping[str, Any]) -> None:
        """Adds a seed to what is there; options among its keys are set first."""
        with self.lock:
            self.dirty = True
            sections = _set_options(self.content.options, content)
            seeding.seed(self.content, sections)

    def replace(self, content: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        """Starts over from a seed: new content, default options, no faults, empty log."""
        fresh = Options()
        fresh.change(options)
        sections = _set_options(fresh, content)
        state = State(fresh, self._now)
        seeding.seed(state, sections)
        with self.lock:
            self.content, self.dirty = state, True
            self._faults, self._seq, self._window = [], 0, Window(self._clock)
            self._deliveries.clear()
            self._log.clear()

    def edit(self, method: str, path: str, body: object = None, **query: str) -> Any:
        """Does what a request would do, without one: a change behind the client's back.

        Neither logged, counted nor faulted. Returns the JSON of the answer (None without any); raises
        ValueError when the vendor would refuse.
        """
        sent = b"" if body is None else encode(body)
        answer = self.answer(method, path, query, sent, CONTENT_TYPES.get(method, ""), silent=True)
        if answer.status >= 400:
            raise ValueError(f"{method} {path} is answered {answer.status}: {answer.body.decode()}")
        return json.loads(answer.body) if answer.body else None

    # For the server

    def record(self, method: str, path: str, query: dict[str, str], body: bytes) -> Recorded:
        with self.lock:
            self._seq += 1
            at = self._now().isoformat(timespec="milliseconds")
            entry = Recorded(
                seq=self._seq,
                at=at,
                method=method,
                path=path,
                query=query,
                body=_loggable(body),
                status=None,
                fault=None,
                beside=sorted(self._running),
            )
            self._running.add(self._seq)
            self._log.append(entry)
            return entry

    def ended(self, entry: Recorded, status: int | None) -> None:
        """The request is over; `status` is None where it gets no answer. Called before the client hears of it."""
        with self.lock:
            entry["status"] = status
            self._running.discard(entry["seq"])

    def meet_faults(self, method: str, path: str) -> tuple[list[Fault], Fault | None]:
        if not self._faults:
            return [], None
        with self.lock:
            return meet(self._faults, method, path)

    def take_quota(self) -> QuotaDecision:
        quota = self.content.options.quota
        if quota is None:
            return FREE
        with self.lock:
            return self._window.take(quota)

    def answer(
        self, method: str, path: str, query: dict[str, str], body: bytes, content_type: str, silent: bool
    ) -> Answer:
        """Carries a request out."""
        with self.lock:
            try:
                operation, args = find(method, path)
                content = _content(method, body, content_type)
                answer = operation(Call(self.content, args, _given(query), content, self._emit, silent))
            except Refusal as refusal:
                return refusal.answer
            # A list of memberships counts down what is pending, so only plain reads leave the store as it is.
            self.dirty = self.dirty or method != "GET" or bool(self.content.pending)
            return answer

    def _emit(self, event: str, payload: Mapping[str, object]) -> None:
        for delivery in deliveries_of(self.content, event, payload):
            self._deliveries.append(delivery)
            if self.content.options.deliveries:
                self._postman.post(delivery)


def _set_options(options: Options, content: Mapping[str, Any]) -> dict[str, Any]:
    """Sets the options among the keys of a seed (or below `options`) and returns the rest."""
    options.change(content.get("options") or {})
    options.change({key: value for key, value in content.items() if key in OPTION_NAMES})
    return {key: value for key, value in content.items() if key not in OPTION_NAMES and key != "options"}


def _loggable(body: bytes) -> Any:
    if not body:
        return None
    try:
        return _decoded(body)
    except ValueError:
        return body.decode(errors="replace")


def _decoded(body: bytes) -> Any:
    """JSON whose texts are texts: half a surrogate pair is an error, at the vendor too. Raises ValueError."""
    try:
        content = json.loads(body)
    except RecursionError as error:
        raise ValueError(str(error)) from error
    if b"\\ud" in body.lower():
        encode(content)
    return content


def _content(method: str, body: bytes, content_type: str) -> dict[str, object]:
    """The JSON object of a body; 415 for another content type, 400 for anything but an object."""
    expected = CONTENT_TYPES.get(method)
    if expected is None or not body:
        return {}
    if content_type.partition(";")[0].strip().lower() != expected:
        detail = f'The content-type "{content_type}" is not supported. Supported is "{expected}".'
        raise Refusal(problem(415, detail))
    try:
        content = _decoded(body)
    except ValueError:
        raise bad_request("Syntax error") from None
    if not isinstance(content, dict):
        raise bad_request("The body must be a JSON object.")
    return content


def _given(query: Mapping[str, str]) -> dict[str, str]:
    """The parameters with a value: an empty one, which the vendor's document allows, counts as absent."""
    return {name: value for name, value in query.items() if value}
