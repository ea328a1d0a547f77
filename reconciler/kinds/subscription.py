"""Subscriptions: recurring payments, which can only be cancelled; read through their contact (api.md §5.7)."""

from collections.abc import Mapping
from typing import Any

from reconciler.kinds.base import Item, Kind, PerParent, Template, Wire, WriteApproval
from reconciler.kinds.effects import IRREVERSIBLE, PAYMENTS_END
from reconciler.kinds.field import Field, FieldShape
from reconciler.model.plan import Action
from reconciler.model.policy import Allow
from reconciler.model.values import Value, clean

ENDED = ("cancelled", "completed", "incomplete_expired")
UNPAID = "payments are not configured on this account"
WHEN = {"now": "Now", "period_end": "WhenBillingPeriodEnds"}


def decode(item: Item, wire: Wire) -> dict[str, Value]:
    """Decode an item; ended subscriptions and those that end with their period count as cancelled."""
    plan, status = item["pricePlan"] or {}, item["status"]
    ends = status not in ENDED and item.get("cancelledAt") is not None
    shown = {"plan": plan.get("name"), "price": _price(plan)} | ({"when": "period_end"} if ends else {})
    return {"id": str(item["id"]), "state": "cancelled" if status in ENDED or ends else status, **shown}


def _price(plan: Mapping[str, Any]) -> str | None:
    """Price as text, e.g. ``19.00 EUR a month``; amounts are in cents (api.md §5.7)."""
    amount = plan.get("amount")
    every = plan.get("recurringOptions") or {}
    count, word = every.get("intervalCount") or 1, every.get("interval") or "period"
    per = f"a {word}" if count == 1 else f"every {count} {word}s"
    return f"{amount / 100:,.2f} {str(plan.get('currency') or '').upper()} {per}" if isinstance(amount, int) else None


def encode(attrs: Mapping[str, Value], wire: Wire) -> dict[str, Any] | None:
    """The body of a cancellation. Systeme.io requires it in both dialects; the gateway passes it on (api.md §5.7)."""
    return {"cancel": WHEN[str(attrs["when"])]}


def reference_names(item: Item) -> tuple[str, ...]:
    """The names of a price plan: its public and its internal one."""
    return tuple(clean(str(name)) for key in ("name", "innerName") if (name := (item["pricePlan"] or {}).get(key)))


KIND = Kind(
    name="subscription",
    section="subscriptions",
    key=("contact", "plan"),
    by_id=True,
    irreversible=True,
    chain="contact",
    doc="A customer's recurring payment to cancel. Only a purchase creates one, and a cancellation is final.",
    fields=(
        Field(
            name="contact",
            doc="E-mail address of the customer.",
            shape=FieldShape.REF,
            ref="contact",
            required=True,
            example="ann@example.com",
        ),
        Field(name="plan", doc="Public or internal name of the price plan.", immutable=True, example="Monthly"),
        Field(
            name="id",
            doc="Id of the subscription, where the price plan is ambiguous.",
            immutable=True,
            pattern=r"^\S+$",
            hint="use an id without spaces",
        ),
        Field(name="state", doc="Only cancelled is possible.", required=True, choices=("cancelled",)),
        Field(
            name="when",
            doc="Cancel now, or with the period.",
            one_time=True,
            required=True,
            choices=tuple(WHEN),
        ),
        Field(name="price", doc="Amount and interval, as plans show them.", note_only=True),
    ),
    source=PerParent("/api/payment/subscriptions", "contact", "contact", absent=UNPAID, limit=50),  # 100 was refused
    effects={Action.UPDATE: (PAYMENTS_END, IRREVERSIBLE)},
    decode=decode,
    encode=encode,
    reference_names=reference_names,
    update=Template("POST", "/api/payment/subscriptions/{id}/cancel"),
    approval=WriteApproval(Allow.CANCEL, "cancelled for good"),
)
