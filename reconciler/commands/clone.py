"""Plans a copy of one environment's account in another one; sends GETs only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.commands.plan import PlanRequest
from reconciler.commands.project import Invocation, read_settings
from reconciler.commands.session import NO_CONNECTION, Session
from reconciler.config import secrets
from reconciler.config.settings import Settings
from reconciler.errors import ConfigurationError, NotConnected, Problem, Refused
from reconciler.gateway.client import Reader
from reconciler.kinds import KINDS
from reconciler.kinds.dialect import Dialect
from reconciler.ledger.codec import digest
from reconciler.ledger.store import Store
from reconciler.model.did_you_mean import near
from reconciler.model.policy import Allow, Policy, Prune
from reconciler.model.resource import DesiredState, Ledger
from reconciler.model.values import Address, Origin, Secret, unescape
from reconciler.planner.clone import OF_PEOPLE, CloneChoice, ClonedState, as_recorded, clone, referred, without
from reconciler.planner.matched_state import MatchedState
from reconciler.refresh.account import Scope, refresh
from reconciler.refresh.reader import Progress

#: Nothing in the target is deleted.
NOTHING = {kind.name: Prune.NONE for kind in KINDS.values() if kind.writable}
#: Variables that locate one environment; a clone has two and uses reconciler.yaml instead.
_ONE_PLACE = ("connection", "ledger")
#: Missing references that are reported; the rest is counted.
MAX_REPORTED = 20
#: Hex digits of a pseudonym: two of a million people share one with a chance of one in ten million.
DIGITS = 16


@dataclass(frozen=True)
class CloneOptions:
    """Options: kinds, people to copy under their own address, replacements for other people and for webhooks."""

    kinds: frozenset[str]
    allowed: tuple[str, ...] = ()
    domain: str = ""
    url: str = ""
    secret: Secret | None = None

    @property
    def makes_addresses(self) -> bool:
        """Whether people may get another address."""
        return bool(self.kinds & OF_PEOPLE) and "*" not in self.allowed


def open_sides(path: Path, invocation: Invocation, source: str, target: str) -> tuple[Settings, Settings]:
    """The settings of both environments.

    ``--connection`` and ``--ledger`` apply to the target; RECONCILER_CONNECTION applies to neither side and
    RECONCILER_LEDGER to the target only. Raises ConfigurationError with the errors of both sides.
    """
    unplaced = {name: value for name, value in invocation.flags.items() if name not in _ONE_PLACE}
    environ = {name: value for name, value in invocation.environ.items() if name != "RECONCILER_CONNECTION"}
    bare = {name: value for name, value in environ.items() if name != "RECONCILER_LEDGER"}
    sides: list[Settings] = []
    problems: dict[str, Problem] = {}
    for flag, side in (
        ("--from", replace(invocation, environ=bare, flags=unplaced, environment=source)),
        ("--to", replace(invocation, environ=environ, environment=target)),
    ):
        try:
            sides.append(read_settings(path, side))
        except ConfigurationError as error:
            named = (each._replace(where=flag) if each.where == "-e" else each for each in error.problems)
            problems |= {str(each): each for each in named}
    if problems:
        raise ConfigurationError(problems.values())
    return sides[0], sides[1]


def check_options(choice: CloneOptions, target: Settings) -> None:
    """Raise ConfigurationError if anonymized addresses are needed and cannot be made."""
    if not choice.makes_addresses:
        return
    if not choice.domain:
        raise ConfigurationError(
            "contacts are cloned with anonymized addresses: "
            "set a domain of yours that receives mail and has no users, "
            "e.g. --domain staging.example.com, or clone named contacts unchanged with --allow-contact"
        )
    if target.ledger == "none" and not target.digest_key:
        raise ConfigurationError(
            "anonymized addresses need a persistent key: set RECONCILER_LEDGER_KEY, or use a ledger"
        )


def refuse_one_place(source: Session, target: Session) -> None:
    """Raise Refused if both sides are one account or share a ledger."""
    here, there = (_file_of(each.settings.ledger) for each in (source, target))
    if here == there and here != "none":
        raise Refused(
            "source and target use the same ledger; set a different ledger for each environment. Nothing was changed"
        )
    one, other = _connection(source), _connection(target)
    if one == other:
        named = all(each.settings.connection for each in (source, target))
        hint = "" if named else "; set the `connection:` of each environment in reconciler.yaml"
        raise Refused(f"source and target are the same account, connection {one}{hint}. Nothing was changed")


def _file_of(url: str) -> str:
    file = url.removeprefix("sqlite:///")
    return url if file == url else str(Path(file).resolve())


def _connection(session: Session) -> str:
    if found := session.settings.connection or session.account():
        return found
    with session.connections() as connections:
        oldest = connections.oldest_active()
    if oldest is None:
        raise NotConnected(NO_CONNECTION)
    return oldest.id


def secret_named(name: str, environ: Mapping[str, str]) -> Secret:
    """The secret of redirected webhooks; raises ConfigurationError if its variable is not set."""
    return Secret(f"env:{name}", secrets.resolve(f"env:{name}", environ, ()))


def read_source(session: Session, reader: Reader, kinds: frozenset[str], progress: Progress | None) -> MatchedState:
    """All resources of these kinds and of the kinds that they refer to."""
    scope = Scope("full", parallel=session.settings.parallel)
    state, dialect = DesiredState(kinds=kinds), Dialect(session.settings.dialect)
    return refresh(reader, state, Ledger(), dialect, scope, progress=progress).found


def cloned(
    found: MatchedState, choice: CloneOptions, source: Settings, target: Settings, store: Store | None
) -> ClonedState:
    """The desired resources of the target, by natural key."""
    origin = Origin(f"clone of {source.environment}", 0, 0)
    mark = _marker(target, store)
    return clone(
        found, CloneChoice(choice.kinds, origin, mark, choice.domain, choice.allowed, choice.url, choice.secret)
    )


def _marker(target: Settings, store: Store | None) -> Callable[[str], str]:
    """Pseudonyms depend on the ledger's key, so that the next clone uses the same ones."""
    key = (target.digest_key or "").encode()
    keyed = store.digest if store and target.ledger != "none" else lambda name, text: digest(key, name, text)
    return lambda text: keyed("clone", text)[:DIGITS]


def check_targets(made: ClonedState, session: Session, *, skip: bool) -> ClonedState:
    """Check that the targets of all relations exist in the target account; with ``skip``, omit the others.

    Reads only the collections that are needed. Raises ConfigurationError with everything that is missing.
    """
    wanted = referred(made.state)
    if not wanted:
        return made
    kinds = frozenset(address.kind for address in wanted)
    with session.reader() as reader:
        there = read_source(session, reader, kinds, None)
    lost = {address: _why(address, there, session.settings.environment) for address in wanted - there.live.keys()}
    if not lost:
        return made
    state, left = without(made.state, lost)
    if not skip:
        raise ConfigurationError(_problems(made.state, lost, there))
    return replace(made, state=state, left=(*made.left, *left))


def _why(target: Address, there: MatchedState, environment: str | None) -> str:
    word = target.kind.replace("_", " ")
    if ids := there.ambiguous.get(target):
        return f"{environment} has {len(ids)} {word}s with this name: ids {', '.join(ids)}"
    return f"{environment} has no {word} of this name"


def _problems(state: DesiredState, lost: Mapping[Address, str], there: MatchedState) -> Iterable[Problem]:
    needed = dict.fromkeys(sorted(lost), 0)
    origins: dict[Address, Origin] = {}
    for each in state.resources.values():
        for target in KINDS[each.address.kind].refers_to(each.attrs):
            if target in needed:
                needed[target] += 1
                origins[target] = each.origin
    for target, count in list(needed.items())[:MAX_REPORTED]:
        names = (unescape(address.key) for address in there.live if address.kind == target.kind)
        close = near(unescape(target.key), names)
        hint = f"it has {close}; " if close else ""
        what = f'"{unescape(target.key)}": {lost[target]}, and {count:,} of what is cloned needs it'
        yield Problem(str(origins[target]), what, f"{hint}create it there, or use --skip-missing")
    if len(needed) > MAX_REPORTED:
        yield Problem("", f"{len(needed):,} are missing; showing {MAX_REPORTED}")


def request_of(
    made: ClonedState, target: Session, store: Store | None, allow: Mapping[Allow, int | None]
) -> PlanRequest:
    """The request for a plan of the cloned resources only, under their addresses in the target's ledger."""
    return request_to_make(as_recorded(made.state, store.load()) if store else made.state, target, allow)


def request_to_make(state: DesiredState, target: Session, allow: Mapping[Allow, int | None]) -> PlanRequest:
    """The request for a plan of these resources only; it deletes nothing."""
    settings = target.settings
    return PlanRequest(
        state,
        Policy(NOTHING, settings.limits),
        Dialect(settings.dialect),
        target.account(),
        allow=allow,
        parallel=settings.parallel,
        only=frozenset(state.resources),
    )
