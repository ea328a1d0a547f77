"""The rows of an account: one class for each vendor resource."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Tag:
    id: int
    name: str
    created_at: str


@dataclass(slots=True)
class ContactField:
    slug: str
    label: str
    built_in: bool


@dataclass(slots=True)
class Contact:
    """`fields` holds set values only, by slug; `tags` holds tag ids in the order of assignment."""

    id: int
    email: str
    registered_at: str
    locale: str
    source_url: str | None = None
    unsubscribed: bool = False
    bounced: bool = False
    needs_confirmation: bool = False
    fields: dict[str, str] = field(default_factory=dict)
    tags: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Module:
    id: int
    name: str


@dataclass(slots=True)
class Course:
    id: int
    name: str
    path: str
    locale: str
    domain: str | None
    active: bool
    modules: list[Module]


@dataclass(slots=True)
class Enrollment:
    """`modules` is kept for the state view alone: the API never shows it."""

    id: int
    contact: int
    course: int
    access: str
    modules: list[int]


@dataclass(slots=True)
class Community:
    id: int
    name: str
    domain: str
    path: str


@dataclass(slots=True)
class Membership:
    id: int
    contact: int
    community: int


@dataclass(slots=True)
class PendingMembership:
    """A membership that was accepted (202) and stays unseen for `reads` more lists."""

    contact: int
    community: int
    reads: int


@dataclass(slots=True)
class PricePlan:
    id: int
    name: str
    inner_name: str
    amount: int
    currency: str
    interval: str
    interval_count: int
    trial_days: int
    payments: int | None


@dataclass(slots=True)
class Subscription:
    id: int
    contact: int
    plan: int | None
    status: str
    created_at: str
    completed_at: str | None = None
    cancelled_at: str | None = None


@dataclass(slots=True)
class Event:
    """One event of a webhook; a disabled one stays as a row (api.md 5.8)."""

    id: str
    event: str
    version: int
    disabled_at: str | None = None
    disabled_reason: str | None = None


@dataclass(slots=True)
class Webhook:
    id: str
    name: str
    url: str
    secret: str
    active: bool
    events: list[Event]
