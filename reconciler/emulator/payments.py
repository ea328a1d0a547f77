"""Operations on customers' subscriptions (api.md 5.7)."""

from __future__ import annotations

from reconciler.emulator.answers import Answer, Code, encode, listing, not_found, nothing, refuse
from reconciler.emulator.calls import Call
from reconciler.emulator.checks import Checked, id_filter, page_of, path_id
from reconciler.emulator.rows import PricePlan, Subscription
from reconciler.emulator.state import State

CANCELS = ("Now", "WhenBillingPeriodEnds")
STATUSES = ("active", "cancelled", "completed", "in_charge", "incomplete", "incomplete_expired")
OVER = ("cancelled", "completed", "incomplete_expired")


def shown_plan(plan: PricePlan) -> dict[str, object]:
    """A plan has exactly one set of recurring options here, so both share the number."""
    return {
        "id": plan.id,
        "name": plan.name,
        "innerName": plan.inner_name,
        "statementDescriptor": "",
        "amount": plan.amount,
        "currency": plan.currency,
        "type": "subscription",
        "recurringOptions": {
            "id": plan.id,
            "trialPeriod": plan.trial_days,
            "trialInterval": "day",
            "interval": plan.interval,
            "intervalCount": plan.interval_count,
            "limitOfPayments": plan.payments,
        },
    }


def shown_subscription(state: State, row: Subscription) -> dict[str, object]:
    """Without the contact: the vendor does not say whose it is."""
    return {
        "id": row.id,
        "createdAt": row.created_at,
        "status": row.status,
        "completedAt": row.completed_at,
        "cancelledAt": row.cancelled_at,
        "pricePlan": None if row.plan is None else shown_plan(state.plans.rows[row.plan]),
    }


def list_subscriptions(call: Call) -> Answer:
    state = call.state
    if not state.options.payments:
        raise not_found()
    contact = id_filter(call.query, "contact")
    if (contact is None and state.dialect.subscriptions_need_contact) or (contact is not None and contact < 1):
        raise refuse("contact", "This value should be positive.", Code.NOT_POSITIVE)
    page = page_of(call.query, state.options, highest=state.options.subscriptions_max_limit)
    rows, more = state.subscriptions.page_by(page, contact=contact)
    return listing([encode(shown_subscription(state, row)) for row in rows], more)


def cancel_subscription(call: Call) -> Answer:
    """At the end of the period the row stays active, with a date of cancellation (api.md 5.7)."""
    state, checked = call.state, Checked(call.body)
    row = state.subscriptions.rows.get(path_id(call.args[0]))
    if row is None or not state.options.payments:
        raise not_found()
    when = checked.choice("cancel", CANCELS)
    checked.finish()
    if row.cancelled_at is not None or row.status in OVER:
        raise refuse("status", "This subscription is cancelled already.", Code.REFUSED)
    row.cancelled_at = state.stamp()
    if when == "Now":
        row.status = "cancelled"
    return nothing()
