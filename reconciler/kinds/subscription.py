"""Subscriptions: a customer's recurring payment, which can only be ended; shown contact by contact (api.md §5.7)."""

from collections.abc import Mapping
from typing import Any

from reconciler.kinds.base import ExtraRead, Item, Kind, PerParent, Template, Wire
from reconciler.kinds.effects import IRREVERSIBLE, PAYMENTS_END
from reconciler.kinds.field import Field, FieldShape
from reconciler.model.plan import Action
from reconciler.model.policy import Allow
from reconciler.model.values import Value, clean

OVER = ("cancelled", "completed", "incomplete_expired")
UNPAID = "payments are not configured on this account"
WHEN = {"now": "Now", "period_end": "WhenBillingPeriodEnds"}


def decode(item: Item, wire: Wire) -> dict[str, Value]:
    """One that is over, or set to end with its period (active, with a date of cancellation), is cancelled."""
    plan, status = item["pricePlan"] or {}, item["status"]
    ends = status not in OVER and item.get("cancelledAt") is not None
    shown = {"plan": plan.get("name"), "price": _price(plan)} | ({"when": "period_end"} if ends else {})
    return {"id": str(item["id"]), "state": "cancelled" if status in OVER or ends else status, **shown}


def _price(plan: Mapping[str, Any]) -> str | None:
    """``19.00 EUR a month``; amounts are in cents (api.md §5.7)."""
    amount = plan.get("amount")
    every = plan.get("recurringOptions") or {}
    count, word = every.get("intervalCount") or 1, every.get("interval") or "period"
    per = f"a {word}" if count == 1 else f"every {count} {word}s"
    return f"{amount / 100:,.2f} {str(plan.get('currency') or '').upper()} {per}" if isinstance(amount, int) else None


def encode(attrs: Mapping[str, Value], wire: Wire) -> dict[str, Any] | None:
    """The vendor demands a body in either dialect; the gateway passes it on, though its documents show none."""
    return {"cancel": WHEN[str(attrs["when"])]}


def called(item: Item) -> tuple[str, ...]:
    """A price plan has a name and an inner name; either will do."""
    return tuple(clean(str(name)) for key in ("name", "innerName") if (name := (item["pricePlan"] or {}).get(key)))


KIND = Kind(
    name="subscription",
    section="subscriptions",
    key=("contact", "plan"),
    by_id=True,
    one_way=True,
    chain="contact",
    doc="A customer's recurring payment to be ended. It is made by buying, and never comes back.",
    fields=(
        Field(
            name="contact",
            doc="Whose.",
            shape=FieldShape.REF,
            ref="contact",
            required=True,
            example="ann@example.com",
        ),
        Field(name="plan", doc="Name or inner name of the price plan.", immutable=True, example="Monthly"),
        Field(
            name="id",
            doc="Which one, where the plan does not tell.",
            immutable=True,
            pattern=r"^\S+$",
            hint="an id has no blanks",
        ),
        Field(name="state", doc="The only state that can be asked for.", required=True, choices=("cancelled",)),
        Field(name="when", doc="At once, or with the paid period.", manner=True, required=True, choices=tuple(WHEN)),
        Field(name="price", doc="Amount and interval, as plans show them.", told=True),
    ),
    source=PerParent("/api/payment/subscriptions", "contact", "contact", absent=UNPAID, limit=50),  # 100 was refused
    effects={Action.UPDATE: (PAYMENTS_END, IRREVERSIBLE)},
    decode=decode,
    encode=encode,
    called=called,
    update=Template("POST", "/api/payment/subscriptions/{id}/cancel"),
    asks=ExtraRead(Allow.CANCEL, "cancelled for good"),
)
