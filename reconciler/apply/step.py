"""One step of a plan → one outcome: announced in the ledger, sent, settled, and looked for when no answer came.

answer to a create                 what is done
──────────────────────────────────────────────────────────────────────────────────────────
201                                its id is ours; entry CREATED
202                                PENDING until the account shows it
422                                look once: equal to what is wanted → ADOPTED; nothing there → the error
none (lost, cut, HTML, 5xx)        look: equal to what is wanted → CREATED; nothing there → send again, once
either, and what is there differs  failed: nobody's POST of ours made it, and it is not overwritten
none, and looking cannot decide    failed; the intent stays open, so the next run knows

Every attempt is announced when its turn has come, after all waiting, so that a lease that was lost in between is
noticed before anything leaves.

A write that cannot be taken back and is refused a second time → done or not, by looking at what the account shows.

answer          what is done
────────────────────────────────────────────────────────────────────────────────────────
2xx             done
422, 400        look: what is so already is done, else it is the error
none            look: what is so is done, else send again, once; then the same
none, no look   failed; the intent stays open, and the next plan sees what became of it

The natural key of a change → the live one that has it, read from the account at this moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from reconciler.apply.ledger_entry import differing, entry_after
from reconciler.apply.precondition import Freshness
from reconciler.errors import GatewayError, Interrupted, Invalid, NoAnswer, NotFound, ReconcilerError
from reconciler.gateway.client import Reader, Writer
from reconciler.gateway.retry import may_have_happened
from reconciler.kinds import KINDS
from reconciler.kinds.base import Collection, Embedded, Item, Kind, Wire
from reconciler.kinds.dialect import Dialect, wire_of
from reconciler.ledger.store import Store
from reconciler.model.plan import Action, Change, FieldChange, Step, Verb
from reconciler.model.report import Answer, ApiRequest, Outcome, Status
from reconciler.model.resource import CREATING, EMPTY, LedgerEntry, Provenance
from reconciler.model.values import Address, Attrs, Secret, Value
from reconciler.planner.decoding import decode
from reconciler.planner.diff import Digest, differences
from reconciler.planner.impact import TakenAlong
from reconciler.planner.requests import bind, hidden_in, is_the_one, lookup_for, request_for

#: Seconds of the lease that must be left when a write is announced: connect and read time-out of one attempt.
NEEDS = 36.0


class Made(NamedTuple):
    """What a write came to: the id (None: accepted only), what the answer shows, how a taken-over one is ours."""

    remote_id: str | None
    shown: Attrs = EMPTY
    message: str = ""
    provenance: Provenance | None = None


@dataclass
class StepRunner:
    """Carries out single steps; used by all workers at once.

    ``ids`` grows as creates are answered; ``unconfirmed`` holds what may have been accepted: its answer was lost.
    ``announced`` are those that an earlier run set out to make, and nobody recorded whether it did. ``along`` is what
    each deletion takes from managed resources, ``taken_by`` which of two deletions took a relation. ``adopted`` are
    those that count as adopted although they are created: an undo brings them back.
    """

    writer: Writer
    store: Store
    dialect: Dialect
    entries: Mapping[Address, LedgerEntry]
    ids: dict[Address, str]
    run: int
    now: Callable[[], float]
    fresh: Freshness
    digest: Digest = None
    slugs: frozenset[str] = frozenset()
    announced: frozenset[Address] = frozenset()
    along: Mapping[Address, Sequence[TakenAlong]] = field(default_factory=lambda: EMPTY)
    adopted: frozenset[Address] = frozenset()
    unconfirmed: set[Address] = field(default_factory=set)
    taken_by: dict[Address, Address] = field(default_factory=dict)

    def carry(self, step: Step, change: Change) -> Outcome:
        """Never raises for what the gateway answers; LedgerError and Locked end the run and pass through."""
        try:
            request = bind(request_for(step, change, self.dialect, self.slugs), self.ids)
        except KeyError as unknown:
            return Outcome(step, change.action, Status.FAILED, message=f"nobody knows the id of {unknown.args[0]}")
        try:
            if moved := self.fresh.moved(step, change):
                return Outcome(step, change.action, Status.FAILED, message=_where(change) + moved)
        except Interrupted as stop:
            return Outcome(step, change.action, Status.NOT_RUN, message=str(stop))
        except GatewayError as error:
            return Outcome(step, change.action, Status.FAILED, message=str(error))
        try:
            made = self._send(step, change, request)
        except Interrupted as stop:  # this attempt is not in doubt, else it would be NoAnswer
            if change.address not in self.unconfirmed:
                self.store.clear_intent(self.run, self._where(step, change))
            return Outcome(step, change.action, Status.NOT_RUN, message=str(stop))
        except GatewayError as error:
            return self._failed(step, change, error)
        return self._settled(step, change, made)

    def _announce(self, step: Step, change: Change, verb: Verb | str) -> Callable[[], None]:
        """What is called before each attempt; raises Locked when the lease is lost, and then nothing leaves."""
        where = self._where(step, change)
        before = self._image(change)
        sent = _sent(change) if verb == CREATING else EMPTY
        return lambda: self.store.intend(self.run, where, verb, before, NEEDS, sent)

    def _image(self, change: Change) -> Attrs:
        """What is overwritten: what was live, and what we once wrote of that which no answer shows."""
        if change.action is Action.CREATE:
            return change.before
        entry, kind = self.entries.get(change.address), KINDS[change.address.kind]
        unshown = {n: v for n, v in entry.applied.items() if kind.field(n).write_only} if entry else {}
        return {**unshown, **change.before} if unshown else change.before

    def _send(self, step: Step, change: Change, request: ApiRequest) -> Made:
        if step.verb is Verb.DROP:
            return self._drop(step, change, request)
        hidden = hidden_in(change.attrs)
        if step.verb is Verb.MAKE and change.action in (Action.CREATE, Action.REPLACE):
            return self._create(step, change, request, hidden)
        if KINDS[change.address.kind].one_way:
            announce = self._announce(step, change, step.verb)
            said = once(lambda: self.writer.send(request, hidden, announce), lambda: self._is_so(change))
            return Made(change.remote_id, message=said)
        verb = CREATING if change.address in self.announced and self._is_new(change) else step.verb
        answer = self.writer.send(request, hidden, self._announce(step, change, verb))
        return Made(change.remote_id, self._shown(KINDS[change.address.kind], answer))

    def _is_so(self, change: Change) -> bool:
        """Whether the account shows it as the change wants it."""
        kind, item = KINDS[change.address.kind], self.fresh.single(change)
        if item is None:
            raise NoAnswer(f"{change.address} is no longer in the account")
        shown = decode(kind, item, wire_of(kind, self.dialect, self.slugs))
        return all(shown.get(f.path) == f.after for f in change.fields if not kind.field(f.path).manner)

    def _is_new(self, change: Change) -> bool:
        return change.address not in self.entries

    def _drop(self, step: Step, change: Change, request: ApiRequest) -> Made:
        try:
            self.writer.send(request, hidden_in(change.attrs), self._announce(step, change, step.verb))
        except NotFound:
            return Made(change.remote_id, message="was gone already")
        return Made(change.remote_id)

    def _create(self, step: Step, change: Change, request: ApiRequest, hidden: tuple[str, ...]) -> Made:
        """The table above. A create is sent twice at most, and the second time only after a look."""
        kind = KINDS[change.address.kind]
        announce = self._announce(step, change, CREATING)
        if kind.accepted and change.address in self.announced - self.unconfirmed:
            announce()
            return self._unconfirmed(change, "announced by a run that did not end; looked for first")
        in_doubt = change.address in self.unconfirmed
        try:
            return self._created(kind, change, self.writer.send(request, hidden, announce))
        except Invalid as refusal:
            return self._refused(step, change, refusal, Provenance.CREATED if in_doubt else Provenance.ADOPTED)
        except NoAnswer as lost:
            if kind.accepted:
                return self._unconfirmed(change, "no answer; looked for at the end of the run")
            doubt = lost
        with _still_in_doubt(doubt):
            found = self._look(change)
        if found is not None:
            return self._found(step, change, found, Provenance.CREATED)
        try:
            with _still_in_doubt(doubt, refusals=False):
                return self._created(kind, change, self.writer.send(request, hidden, announce))
        except Invalid as refusal:
            return self._refused(step, change, refusal, Provenance.CREATED)

    def _unconfirmed(self, change: Change, message: str) -> Made:
        self.unconfirmed.add(change.address)
        return Made(None, message=message)

    def _refused(self, step: Step, change: Change, refusal: Invalid, by: Provenance) -> Made:
        """Perhaps because it exists now."""
        try:
            found = self._look(change)
        except (GatewayError, Interrupted) as error:
            if by is Provenance.CREATED:  # an earlier attempt may have made it
                raise NoAnswer(f"{refusal}; then {error}") from None
            raise refusal from None
        if found is None:
            raise refusal from None
        return self._found(step, change, found, by)

    def _created(self, kind: Kind, change: Change, answer: Answer) -> Made:
        if kind.accepted:
            self.unconfirmed.discard(change.address)
            return Made(None, message="accepted")
        if not kind.remote_id:
            return Made(self._composite_id(kind, change))
        if not isinstance(answer.body, Mapping) or answer.body.get(kind.remote_id) is None:
            raise NoAnswer(f"the answer to the create of {change.address} holds no {kind.remote_id}")
        return Made(str(answer.body[kind.remote_id]), self._shown(kind, answer))

    def _composite_id(self, kind: Kind, change: Change) -> str:
        """A relation without an id of its own is known by those of its parents, in the order of its key."""
        targets = (getattr(change.attrs[parent.name], "target", None) for parent in kind.parents)
        return "/".join(self.ids[target] for target in targets if target)

    def _shown(self, kind: Kind, answer: Answer) -> Attrs:
        wire = wire_of(kind, self.dialect, self.slugs)
        return decode(kind, answer.body, wire) if isinstance(answer.body, Mapping) else EMPTY

    def _look(self, change: Change) -> Item | None:
        wire = wire_of(KINDS[change.address.kind], self.dialect, self.slugs)
        return look(self.writer, change, self.ids, wire)

    def _found(self, step: Step, change: Change, item: Item, provenance: Provenance) -> Made:
        """Adopt an object that appeared since the plan, or ours whose answer was lost, if it equals what is wanted.

        Raises Invalid, having written nothing, for one that differs. History keeps what was there.
        """
        kind = KINDS[change.address.kind]
        shown = decode(kind, item, wire_of(kind, self.dialect, self.slugs))
        digest = None if provenance is Provenance.CREATED else self.digest  # the secret of another one is unknown
        differs = differences(kind, change.attrs, shown, None, frozenset(), digest)
        ours = provenance is Provenance.CREATED and not differs
        if not ours and change.action is Action.CREATE:
            hidden = {name for name, value in change.attrs.items() if isinstance(value, Secret)}
            image = {name: value for name, value in shown.items() if name not in hidden}
            self.store.intend(self.run, self._where(step, change), step.verb, image, NEEDS)
        if differs:
            raise Invalid(f"{change.address} exists now {_otherwise(kind, differs)}; it stays as it is: plan again")
        remote_id = str(item[kind.remote_id]) if kind.remote_id else self._composite_id(kind, change)
        how = "created; the response was lost" if ours else "exists already with these values: adopted"
        return Made(remote_id, shown, how, provenance)

    def _failed(self, step: Step, change: Change, error: GatewayError) -> Outcome:
        outcome = Outcome(step, change.action, Status.FAILED, message=f"{_where(change)}{error}")
        if may_have_happened(error) or (change.address in self.unconfirmed and not isinstance(error, Invalid)):
            self.store.record(self.run, [outcome])  # the intent stays open: nobody knows whether it happened
        else:
            self.store.clear_intent(self.run, self._where(step, change), outcome)
        return outcome

    def _settled(self, step: Step, change: Change, made: Made) -> Outcome:
        """The outcome is in the ledger before anything may rely on it."""
        entry = self._entry(step, change, made)
        pending = step.verb is Verb.MAKE and made.remote_id is None
        sent = _readable(change)
        differs = differing(change, sent, made.shown) if step.verb is Verb.MAKE else {}
        outcome = Outcome(
            step,
            change.action,
            Status.PENDING if pending else Status.DONE,
            made.remote_id,
            made.message,
            answered=made.shown,
            differs={name: (sent[name], shown) for name, shown in differs.items()},
        )
        if step.verb is Verb.MAKE and made.remote_id is not None:
            self.ids[change.address] = made.remote_id
        if pending and change.address in self.unconfirmed:
            return outcome  # nobody accepted it: the intent stays open until it shows
        taken = self._taken(change) if step.verb is Verb.DROP and change.action is Action.DELETE else ()
        self.store.settle(self.run, self._where(step, change), entry, outcome, taken=taken)
        self.fresh.wrote(step, change, made.shown)
        return outcome

    def _taken(self, change: Change) -> list[TakenAlong]:
        """What went with the deletion; a relation whose two ends are deleted goes with the first."""
        taken = self.along.get(change.address, ())
        return [
            each
            for each in taken
            if each.action is not Action.FORGET
            or self.taken_by.setdefault(each.address, change.address) == change.address
        ]

    def arrived(self, entry: LedgerEntry, outcome: Outcome) -> None:
        """What was accepted, or perhaps was, shows now."""
        if entry.address in self.unconfirmed:
            self.unconfirmed.discard(entry.address)
            self.store.settle(self.run, entry.address, entry, outcome)
        else:
            self.store.write(puts=[entry])

    def given_up(self, outcome: Outcome) -> Outcome | ReconcilerError:
        """What was sent, never answered and does not show has failed, as far as anybody knows."""
        failed = replace(outcome, status=Status.FAILED)
        try:
            self.store.record(self.run, [failed])
        except ReconcilerError as error:
            return error
        return failed

    def _entry(self, step: Step, change: Change, made: Made) -> LedgerEntry | None:
        """What the ledger has afterwards. One that is parked to be replaced waits under its id for its end."""
        old = self.entries.get(change.address)
        if step.verb is Verb.DROP:
            return None
        if step.verb is Verb.PARK:
            if old is None or change.action is not Action.REPLACE:
                return old
            return replace(old, address=self._parked(change), provenance=Provenance.CREATED)
        return entry_after(
            change,
            old,
            made.remote_id,
            made.shown,
            digest=self.digest,
            now=self.now(),
            run=self.run,
            provenance=made.provenance or self.provenance(change),
        )

    def provenance(self, change: Change) -> Provenance | None:
        """What is known better than by the action: an earlier run made it, or an undo brings it back."""
        if change.address in self.adopted and change.action in (Action.CREATE, Action.REPLACE):
            return Provenance.ADOPTED
        return Provenance.CREATED if change.address in self.announced and self._is_new(change) else None

    def _where(self, step: Step, change: Change) -> Address:
        """The address in the ledger of what the step is about."""
        return self._parked(change) if _is_last_of_three(step, change) else change.address

    @staticmethod
    def _parked(change: Change) -> Address:
        return KINDS[change.address.kind].by_remote_id(change.remote_id or "")


def _is_last_of_three(step: Step, change: Change) -> bool:
    return step.verb is Verb.DROP and change.action is Action.REPLACE and change.lifecycle.create_before_destroy


def _readable(change: Change) -> dict[str, Value]:
    """The desired attributes but the secrets."""
    return {name: value for name, value in change.attrs.items() if not isinstance(value, Secret)}


def _otherwise(kind: Kind, differs: Sequence[FieldChange]) -> str:
    """How an object differs from what is wanted, for messages."""
    readable = sorted(each.path for each in differs if not kind.field(each.path).write_only)
    if readable:
        return f"with other values ({', '.join(readable)})"
    return f"and its {', '.join(each.path for each in differs)} cannot be compared"


def _sent(change: Change) -> dict[str, Value]:
    """The values that recognize the object of a create: readable, sent, and left alone by an update that follows."""
    updated = set() if change.action in (Action.CREATE, Action.REPLACE) else {each.path for each in change.fields}
    return {
        name: value
        for name, value in _readable(change).items()
        if value is not None and name not in updated and not KINDS[change.address.kind].field(name).write_only
    }


def _where(change: Change) -> str:
    """The line that asked for it, for messages; what is deleted has none any more."""
    return f"{change.origin}: " if change.origin and change.action is not Action.DELETE else ""


def once(send: Callable[[], object], is_so: Callable[[], bool]) -> str:
    """Send at most twice, and the second time only after a look; returns what is to be said of it.

    Raises the GatewayError that ended it; NoAnswer where nobody knows whether it happened.
    """
    try:
        send()
        return ""
    except Invalid as refusal:
        return _settled(refusal, is_so, "was so already")
    except NoAnswer as lost:
        doubt = lost
    with _still_in_doubt(doubt):
        so = is_so()
    if so:
        return "done; the response was lost"
    try:
        with _still_in_doubt(doubt, refusals=False):
            send()
    except Invalid:
        with _still_in_doubt(doubt):
            so = is_so()
        if not so:
            raise
        return "done; the response was lost"
    return "done; the first request was lost"


@contextmanager
def _still_in_doubt(doubt: NoAnswer, *, refusals: bool = True) -> Iterator[None]:
    """After a request without an answer, what fails next raises NoAnswer: the first attempt may have happened.

    ``refusals``: those too. A refused look says nothing of the first attempt; a refused second attempt does.
    """
    try:
        yield
    except (GatewayError, Interrupted) as error:
        if isinstance(error, Invalid) and not refusals:
            raise
        raise NoAnswer(f"{doubt}; then {error}", status=doubt.status) from None


def _settled(refusal: Invalid, is_so: Callable[[], bool], said: str) -> str:
    try:
        if is_so():
            return said
    except (GatewayError, Interrupted):
        pass  # the refusal says more than the failed look
    raise refusal


def look(reader: Reader, change: Change, ids: Mapping[Address, str], wire: Wire) -> Item | None:
    """The item that ``change`` would make, if it is there. Raises NoAnswer where looking cannot decide."""
    kind = KINDS[change.address.kind]
    where = lookup_for(kind, change.attrs, ids)
    if where is None:
        raise NoAnswer(f"{change.address} may have been created, but cannot be looked up")
    items = _list(reader, kind, where.path, where.query)
    found = [item for item in items if is_the_one(kind, item, change.attrs, ids, wire)]
    if len(found) > 1:
        raise NoAnswer(f"{change.address} may have been created: the account has {len(found)} with this name")
    return found[0] if found else None


def _list(reader: Reader, kind: Kind, path: str, query: Mapping[str, Any]) -> list[dict[str, Any]]:
    if isinstance(kind.source, Embedded):
        inside: list[dict[str, Any]] = reader.get(path).get(kind.source.wire) or []
        return inside
    if isinstance(kind.source, Collection) and not kind.source.paged:
        return reader.whole(path)
    return [item for page in reader.walk(path, query) for item in page]
