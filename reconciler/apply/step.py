"""Carries out one step of a plan: records the intent, sends the request, records the outcome.

answer to a create                 result
──────────────────────────────────────────────────────────────────────────────────────────────
201                                created, with the id of the answer
202                                pending until the account shows the resource
422                                read: equal to the desired values → adopted; not there → the error
none (lost, cut, HTML, 5xx)        read: equal to the desired values → created; not there → sent once more
422 or none, and read: it differs  failed: somebody else created it, and it is not overwritten
none, and the read fails           failed; the intent stays open for the next run

The intent is recorded before every attempt, after all waiting, so that a lock lost in between is noticed before
anything is sent.

answer to an irreversible update   result
──────────────────────────────────────────────────────────────────────────────────────────────
2xx                                done
422, 400                           read: already in the desired state → done; else the error
none                               read: in the desired state → done; else sent once more, then the same
none, and the read fails           failed; the intent stays open, and the next plan sees the state
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from reconciler.apply.ledger_entry import changed_by_server, entry_after
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
from reconciler.planner.impact import Cascade
from reconciler.planner.matched_state import Entries
from reconciler.planner.order import creates_first
from reconciler.planner.requests import bind, hidden_in, is_the_one, lookup_for, request_for

#: Seconds for which the lock must still be valid when an intent is recorded: time-outs of one attempt.
MIN_LOCK_SECONDS = 36.0


class WriteResult(NamedTuple):
    """The result of a write. ``remote_id`` None: accepted, not shown yet. ``shown``: the values in the answer.

    ``provenance``: set where it is not the one that the action implies.
    """

    remote_id: str | None
    shown: Attrs = EMPTY
    message: str = ""
    provenance: Provenance | None = None


@dataclass
class StepRunner:
    """Carries out single steps; used by all workers at once.

    ``ids`` grows with every answered create. ``digest`` gives the keyed digest of a secret, ``slugs`` are the contact
    fields of the account. ``unconfirmed`` holds creates of kinds that are only accepted (202) whose answer was lost,
    ``possibly_created`` the addresses with an open intent to create from an earlier run. ``cascades`` lists the
    managed relations and values that each deletion removes, ``cascaded_by`` which of two deletions removed one.
    ``adopted`` holds addresses recorded as adopted although this run creates them, because an undo restores them;
    ``unmanaged`` relations that an undo restores and that are not managed afterwards, with the addresses under which
    history records them. ``tagged`` are the remote ids of the contacts that have each tag to delete.
    """

    writer: Writer
    store: Store
    dialect: Dialect
    entries: Mapping[Address, LedgerEntry]
    ids: MutableMapping[Address, str]
    run: int
    now: Callable[[], float]
    freshness: Freshness
    digest: Digest = None
    slugs: frozenset[str] = frozenset()
    possibly_created: frozenset[Address] = frozenset()
    cascades: Mapping[Address, Sequence[Cascade]] = field(default_factory=lambda: EMPTY)
    adopted: frozenset[Address] = frozenset()
    unmanaged: Mapping[Address, Address] = field(default_factory=lambda: EMPTY)
    tagged: Mapping[Address, tuple[str, ...]] = field(default_factory=lambda: EMPTY)
    unconfirmed: set[Address] = field(default_factory=set)
    cascaded_by: dict[Address, Address] = field(default_factory=dict)

    def execute(self, step: Step, change: Change) -> Outcome:
        """Carry out one step. Gateway errors become a failed outcome; LedgerError and Locked end the run."""
        try:
            request = bind(request_for(step, change, self.dialect, self.slugs), self.ids)
        except KeyError as unknown:
            return Outcome(step, change.action, Status.FAILED, message=f"the id of {unknown.args[0]} is not known")
        try:
            if changed := self.freshness.changes_since(step, change):
                return Outcome(step, change.action, Status.FAILED, message=_position(change) + changed)
        except Interrupted as stop:
            return Outcome(step, change.action, Status.NOT_RUN, message=str(stop))
        except GatewayError as error:
            return Outcome(step, change.action, Status.FAILED, message=str(error))
        try:
            result = self._send(step, change, request)
        except Interrupted as stop:  # nothing was sent by this attempt, else it would be NoAnswer
            if change.address not in self.unconfirmed:
                self.store.clear_intent(self.run, self._ledger_address(step, change))
            return Outcome(step, change.action, Status.NOT_RUN, message=str(stop))
        except GatewayError as error:
            return self._failed(step, change, error)
        return self._succeeded(step, change, result)

    def _intent_recorder(self, step: Step, change: Change, verb: Verb | str) -> Callable[[], None]:
        """The function that records the intent before each attempt; it raises Locked if the lock was lost."""
        address = self._ledger_address(step, change)
        if change.address in self.unmanaged:  # not recovered as a resource of this project after a kill
            verb = step.verb
        before = self._overwritten(change)
        sent = _identifying_values(change) if verb == CREATING else EMPTY
        return lambda: self.store.intend(self.run, address, verb, before, MIN_LOCK_SECONDS, sent)

    def _overwritten(self, change: Change) -> Attrs:
        """The state that the write replaces: live values, and for write-only fields the applied ones."""
        if change.action is Action.CREATE:
            return change.before
        entry, kind = self.entries.get(change.address), KINDS[change.address.kind]
        unshown = {n: v for n, v in entry.applied.items() if kind.field(n).write_only} if entry else {}
        return {**unshown, **change.before} if unshown else change.before

    def _send(self, step: Step, change: Change, request: ApiRequest) -> WriteResult:
        if step.verb is Verb.DROP:
            return self._drop(step, change, request)
        hidden = hidden_in(change.attrs)
        if step.verb is Verb.MAKE and change.action in (Action.CREATE, Action.REPLACE):
            return self._create(step, change, request, hidden)
        if KINDS[change.address.kind].irreversible:
            record_intent = self._intent_recorder(step, change, step.verb)
            note = send_non_repeatable(
                lambda: self.writer.send(request, hidden, record_intent), lambda: self._is_in_desired_state(change)
            )
            return WriteResult(change.remote_id, message=note)
        verb = CREATING if change.address in self.possibly_created and self._is_new(change) else step.verb
        answer = self.writer.send(request, hidden, self._intent_recorder(step, change, verb))
        return WriteResult(change.remote_id, self._shown(KINDS[change.address.kind], answer))

    def _is_in_desired_state(self, change: Change) -> bool:
        """Whether the account already has the desired values."""
        kind, item = KINDS[change.address.kind], self.freshness.read(change)
        if item is None:
            raise NoAnswer(f"{change.address} is no longer in the account")
        shown = decode(kind, item, wire_of(kind, self.dialect, self.slugs))
        return all(shown.get(f.path) == f.after for f in change.fields if not kind.field(f.path).one_time)

    def _is_new(self, change: Change) -> bool:
        return change.address not in self.entries

    def _drop(self, step: Step, change: Change, request: ApiRequest) -> WriteResult:
        try:
            self.writer.send(request, hidden_in(change.attrs), self._intent_recorder(step, change, step.verb))
        except NotFound:
            return WriteResult(change.remote_id, message="was gone already")
        return WriteResult(change.remote_id)

    def _create(self, step: Step, change: Change, request: ApiRequest, hidden: tuple[str, ...]) -> WriteResult:
        """Create as the first table of this module says: sent at most twice, the second time only after a read."""
        kind = KINDS[change.address.kind]
        record_intent = self._intent_recorder(step, change, CREATING)
        if kind.accepted and change.address in self.possibly_created - self.unconfirmed:
            record_intent()
            return self._unconfirmed(change, "an earlier run may have sent it; looked for first")
        in_doubt = change.address in self.unconfirmed
        try:
            return self._created(kind, change, self.writer.send(request, hidden, record_intent))
        except Invalid as refusal:
            return self._refused(step, change, refusal, Provenance.CREATED if in_doubt else Provenance.ADOPTED)
        except NoAnswer as lost:
            if kind.accepted:
                return self._unconfirmed(change, "no answer; looked for at the end of the run")
            doubt = lost
        with _still_in_doubt(doubt):
            found = self._live_item(change)
        if found is not None:
            return self._found(step, change, found, Provenance.CREATED)
        try:
            with _still_in_doubt(doubt, refusals=False):
                return self._created(kind, change, self.writer.send(request, hidden, record_intent))
        except Invalid as refusal:
            return self._refused(step, change, refusal, Provenance.CREATED)

    def _unconfirmed(self, change: Change, message: str) -> WriteResult:
        self.unconfirmed.add(change.address)
        return WriteResult(None, message=message)

    def _refused(self, step: Step, change: Change, refusal: Invalid, provenance: Provenance) -> WriteResult:
        """The result of a refused create: the refusal may mean that the resource exists now."""
        try:
            found = self._live_item(change)
        except (GatewayError, Interrupted) as error:
            if provenance is Provenance.CREATED:  # an earlier attempt may have created it
                raise NoAnswer(f"{refusal}; then {error}") from None
            raise refusal from None
        if found is None:
            raise refusal from None
        return self._found(step, change, found, provenance)

    def _created(self, kind: Kind, change: Change, answer: Answer) -> WriteResult:
        if kind.accepted:
            self.unconfirmed.discard(change.address)
            return WriteResult(None, message="accepted")
        if not kind.remote_id:
            return WriteResult(self._composite_id(kind, change))
        if not isinstance(answer.body, Mapping) or answer.body.get(kind.remote_id) is None:
            raise NoAnswer(f"the answer to the create of {change.address} holds no {kind.remote_id}")
        return WriteResult(str(answer.body[kind.remote_id]), self._shown(kind, answer))

    def _composite_id(self, kind: Kind, change: Change) -> str:
        """The id of a relation that has none of its own: those of its parents, in the order of its key."""
        targets = (getattr(change.attrs[parent.name], "target", None) for parent in kind.parents)
        return "/".join(self.ids[target] for target in targets if target)

    def _shown(self, kind: Kind, answer: Answer) -> Attrs:
        wire = wire_of(kind, self.dialect, self.slugs)
        return decode(kind, answer.body, wire) if isinstance(answer.body, Mapping) else EMPTY

    def _live_item(self, change: Change) -> Item | None:
        wire = wire_of(KINDS[change.address.kind], self.dialect, self.slugs)
        return find_live(self.writer, change, self.ids, wire)

    def _found(self, step: Step, change: Change, item: Item, provenance: Provenance) -> WriteResult:
        """Manage a resource found under the key of a create, if it has the desired values.

        Raises Invalid, having written nothing, if it differs or is another managed resource; history keeps the values
        found.
        """
        kind = KINDS[change.address.kind]
        remote_id = str(item[kind.remote_id]) if kind.remote_id else self._composite_id(kind, change)
        owner = Entries.of(self.entries).keys_by_id(kind.name).get(remote_id, change.address.key)
        if owner != change.address.key:
            raise Invalid(f"{change.address} exists now as {kind.name}/{owner} (id {remote_id}): plan again")
        shown = decode(kind, item, wire_of(kind, self.dialect, self.slugs))
        digest = None if provenance is Provenance.CREATED else self.digest  # its secret cannot be read
        differs = differences(kind, change.attrs, shown, None, frozenset(), digest)
        created_here = provenance is Provenance.CREATED and not differs
        if not created_here and change.action is Action.CREATE:
            hidden = {name for name, value in change.attrs.items() if isinstance(value, Secret)}
            is_kept = change.address not in self.unmanaged
            before = {name: value for name, value in shown.items() if is_kept and name not in hidden}
            self.store.intend(self.run, self._ledger_address(step, change), step.verb, before, MIN_LOCK_SECONDS)
        if differs:
            raise Invalid(f"{change.address} exists now {_difference(kind, differs)}; it stays as it is: plan again")
        how = "created; the response was lost" if created_here else "exists already with these values: adopted"
        return WriteResult(remote_id, shown, how, provenance)

    def _failed(self, step: Step, change: Change, error: GatewayError) -> Outcome:
        message = f"{_position(change)}{error}{_advice(change, error)}"
        outcome = Outcome(step, change.action, Status.FAILED, message=message)
        if may_have_happened(error) or (change.address in self.unconfirmed and not isinstance(error, Invalid)):
            self.store.record(self.run, self._recorded(outcome))  # the intent stays open: the outcome is unknown
        else:
            self.store.clear_intent(self.run, self._ledger_address(step, change), self._recorded(outcome))
        return outcome

    def _recorded(self, outcome: Outcome) -> Outcome:
        """The outcome as history keeps it: without the e-mail address of an unmanaged contact."""
        address = outcome.step.address
        if address not in self.unmanaged:
            return outcome
        kept = self.unmanaged[address]
        message = outcome.message.replace(str(address), str(kept)).replace(address.shown, kept.shown)
        return replace(outcome, step=outcome.step._replace(address=kept), message=message)

    def _succeeded(self, step: Step, change: Change, result: WriteResult) -> Outcome:
        """Record the outcome in the ledger, before any other step may rely on it."""
        entry = self._entry(step, change, result)
        pending = step.verb is Verb.MAKE and result.remote_id is None
        sent = _readable(change)
        differs = changed_by_server(change, sent, result.shown) if step.verb is Verb.MAKE else {}
        outcome = Outcome(
            step,
            change.action,
            Status.PENDING if pending else Status.DONE,
            result.remote_id,
            result.message,
            answered=result.shown,
            differs={name: (sent[name], shown) for name, shown in differs.items()},
        )
        if step.verb is Verb.MAKE and result.remote_id is not None:
            self.ids[change.address] = result.remote_id
        if pending and change.address in self.unconfirmed:
            return outcome  # not confirmed: the intent stays open until the account shows it
        deletes = step.verb is Verb.DROP and change.action is Action.DELETE
        cascades = self._cascades(change) if deletes else ()
        tagged = self._tagged(change) if deletes else None
        self.store.complete(
            self.run, self._ledger_address(step, change), entry, outcome, cascades=cascades, tagged=tagged
        )
        self.freshness.record_write(step, change, result.shown)
        return outcome

    def _cascades(self, change: Change) -> list[Cascade]:
        """Relations removed by the deletion; a relation between two deleted resources counts for the first."""
        return [
            each
            for each in self.cascades.get(change.address, ())
            if each.action is not Action.FORGET
            or self.cascaded_by.setdefault(each.address, change.address) == change.address
        ]

    def _tagged(self, change: Change) -> tuple[str, ...] | None:
        """The remote ids of the contacts that lose a deleted tag; None for other deletions, or if not known."""
        read_again = self.freshness.tagged(change)
        return self.tagged.get(change.address) if read_again is None else read_again

    def confirm(self, entry: LedgerEntry, outcome: Outcome) -> None:
        """Record an accepted write that the account now shows."""
        if entry.address in self.unconfirmed:
            self.unconfirmed.discard(entry.address)
            self.store.complete(self.run, entry.address, entry, outcome)
        else:
            self.store.write(puts=[entry])

    def fail_unconfirmed(self, outcome: Outcome) -> Outcome | ReconcilerError:
        """Record as failed a write that was sent, never answered and does not appear."""
        failed = replace(outcome, status=Status.FAILED)
        try:
            self.store.record(self.run, failed)
        except ReconcilerError as error:
            return error
        return failed

    def _entry(self, step: Step, change: Change, result: WriteResult) -> LedgerEntry | None:
        """The ledger entry after the step; a resource parked for its replacement is kept under its remote id."""
        old = self.entries.get(change.address)
        if step.verb is Verb.DROP or change.address in self.unmanaged:
            return None
        if step.verb is Verb.PARK:
            if old is None or change.action is not Action.REPLACE:
                return old
            return replace(old, address=self._parked(change), provenance=Provenance.CREATED)
        return entry_after(
            change,
            old,
            result.remote_id,
            result.shown,
            digest=self.digest,
            now=self.now(),
            run=self.run,
            provenance=result.provenance or self.provenance(change),
        )

    def provenance(self, change: Change) -> Provenance | None:
        """The provenance where the action does not imply it: created by an earlier run, or restored by an undo."""
        if change.address in self.adopted and change.action in (Action.CREATE, Action.REPLACE):
            return Provenance.ADOPTED
        return Provenance.CREATED if change.address in self.possibly_created and self._is_new(change) else None

    def _ledger_address(self, step: Step, change: Change) -> Address:
        """The ledger address of the step's resource."""
        address = self._parked(change) if _deletes_parked(step, change) else change.address
        return self.unmanaged.get(address, address)

    @staticmethod
    def _parked(change: Change) -> Address:
        return KINDS[change.address.kind].by_remote_id(change.remote_id or "")


def _deletes_parked(step: Step, change: Change) -> bool:
    """Whether the step deletes a replaced resource after its replacement was created under the same address."""
    return step.verb is Verb.DROP and change.action is Action.REPLACE and creates_first(change)


def _readable(change: Change) -> dict[str, Value]:
    """The desired attributes without secrets."""
    return {name: value for name, value in change.attrs.items() if not isinstance(value, Secret)}


def _difference(kind: Kind, differs: Sequence[FieldChange]) -> str:
    """The fields of a live resource that differ from the desired values, for messages."""
    readable = sorted(each.path for each in differs if not kind.field(each.path).write_only)
    if readable:
        return f"with other values ({', '.join(readable)})"
    return f"and its {', '.join(each.path for each in differs)} cannot be compared"


def _identifying_values(change: Change) -> dict[str, Value]:
    """The values that identify the result of a create: readable, sent, and not changed by a later update."""
    updated = set() if change.action in (Action.CREATE, Action.REPLACE) else {each.path for each in change.fields}
    return {
        name: value
        for name, value in _readable(change).items()
        if value is not None and name not in updated and not KINDS[change.address.kind].field(name).write_only
    }


def _position(change: Change) -> str:
    """The position in the files as the beginning of a message; empty for a deletion."""
    return f"{change.origin}: " if change.origin and change.action is not Action.DELETE else ""


def send_non_repeatable(send: Callable[[], object], is_done: Callable[[], bool]) -> str:
    """Send at most twice, the second time only after a read (``is_done``); returns a note for the report.

    Raises the GatewayError that ended it; NoAnswer if the outcome is unknown.
    """
    try:
        send()
        return ""
    except Invalid as refusal:
        return _note_if_done(refusal, is_done, "was in the desired state already")
    except NoAnswer as lost:
        doubt = lost
    with _still_in_doubt(doubt):
        done = is_done()
    if done:
        return "done; the response was lost"
    try:
        with _still_in_doubt(doubt, refusals=False):
            send()
    except Invalid:
        with _still_in_doubt(doubt):
            done = is_done()
        if not done:
            raise
        return "done; the response was lost"
    return "done; the first request was lost"


@contextmanager
def _still_in_doubt(doubt: NoAnswer, *, refusals: bool = True) -> Iterator[None]:
    """After a request without answer, turn later failures into NoAnswer, since the first attempt may have happened.

    ``refusals``: include refused requests. A refused read decides nothing about the first attempt; a refused
    second attempt does.
    """
    try:
        yield
    except (GatewayError, Interrupted) as error:
        if isinstance(error, Invalid) and not refusals:
            raise
        raise NoAnswer(f"{doubt}; then {error}", status=doubt.status) from None


def _note_if_done(refusal: Invalid, is_done: Callable[[], bool], note: str) -> str:
    """``note`` if the account already has the desired state; raises the refusal otherwise."""
    try:
        if is_done():
            return note
    except (GatewayError, Interrupted):
        pass  # the refusal explains more than the failed read
    raise refusal


def find_live(reader: Reader, change: Change, ids: Mapping[Address, str], wire: Wire) -> Item | None:
    """The live item with the natural key of ``change``, or None. Raises NoAnswer where reading cannot decide."""
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


def _advice(change: Change, error: GatewayError) -> str:
    """Advice on a refused update that lacks a write-only field because `lifecycle.ignore` names it."""
    refused = {violation.path for violation in error.violations} if isinstance(error, Invalid) else set()
    lacking = sorted(refused & change.lifecycle.ignore)
    if not lacking:
        return ""
    remedy = f"set {', '.join(lacking)} to its real value and remove it from lifecycle.ignore"
    return f" Systeme.io requires it with every change: {remedy}"
