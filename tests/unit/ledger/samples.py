"""Values that the ledger's tests are made of."""

from reconciler.ledger.history import RunInfo
from reconciler.model.plan import Action, Step, Verb
from reconciler.model.report import Outcome, Status
from reconciler.model.resource import EntryState, LedgerEntry, Lifecycle, Provenance
from reconciler.model.values import Address, Origin, Ref

INFO = RunInfo(who="ann", host="laptop", tool="1.0", plan="abc")
VIP = Address("tag", "VIP")
GOLD = Address("tag", "Gold")
ANN = Address("contact", "ann@example.com")
ANN_VIP = Address("tagging", "ann@example.com/VIP")

FULL = LedgerEntry(
    address=ANN,
    remote_id="7",
    applied={"first_name": "Ann", "tags": frozenset({"a", "b"}), "tag": Ref(VIP), "age": 3, "on": True, "x": None},
    answered={"first_name": "ANN", "refs": frozenset({Ref(VIP), Ref(GOLD)})},
    digests={"secret": "00ff"},
    depends_on=(VIP, GOLD),
    origin=Origin("a:b.yaml", 4, 5),
    lifecycle=Lifecycle(True, frozenset({"locale"}), True),
    provenance=Provenance.ADOPTED,
    former=GOLD,
    part_of=VIP,
    state=EntryState.PENDING,
    since=12.5,
    run=2,
    managed_since=1,
)


def tag(name: str, remote_id: str = "1") -> LedgerEntry:
    """A small entry."""
    return LedgerEntry(Address("tag", name), remote_id, {"name": name}, {"name": name})


def done(
    address: Address, action: Action = Action.CREATE, status: Status = Status.DONE, message: str = ""
) -> Outcome:
    """The end of a step that made something."""
    return Outcome(Step(address, Verb.MAKE), action, status, "1", message)
