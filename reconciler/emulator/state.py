"""The consistent content of one account: indexes, cascades, and ids that are never reused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from unicodedata import normalize

from reconciler.emulator.dialect import DIALECTS, Dialect
from reconciler.emulator.options import Options
from reconciler.emulator.rows import (
    Community,
    Contact,
    ContactField,
    Course,
    Enrollment,
    Membership,
    PendingMembership,
    PricePlan,
    Subscription,
    Tag,
    Webhook,
)
from reconciler.emulator.tables import EMPTY, SortedIds, Table

Now = Callable[[], datetime]

# Each kind counts from its own million: an id used for the wrong kind finds nothing, and tests notice.
FIRST_IDS = {
    "contacts": 1_000_001,
    "tags": 2_000_001,
    "courses": 3_000_001,
    "modules": 4_000_001,
    "enrollments": 5_000_001,
    "communities": 6_000_001,
    "memberships": 7_000_001,
    "subscriptions": 8_000_001,
    "plans": 9_000_001,
}
BUILT_IN = {
    "first_name": "First name",
    "surname": "Last name",
    "phone_number": "Phone number",
    "country": "Country",
    "company_name": "Company name",
    "street_address": "Street address",
    "city": "City",
    "state": "State",
    "postcode": "Postcode",
}


def utc_now() -> datetime:
    return datetime.now(UTC)


class State:
    """The content of one account. Callers hold the account's lock."""

    def __init__(self, options: Options, now: Now = utc_now) -> None:
        self.options = options
        self.now = now
        first = {name: number + options.id_offset for name, number in FIRST_IDS.items()}
        self.contacts = Table(Contact, first["contacts"])
        self.emails: dict[str, int] = {}
        self.tags = Table(Tag, first["tags"])
        self.tagged: dict[int, SortedIds] = {}
        self.fields = {slug: ContactField(slug, label, True) for slug, label in self._built_in().items()}
        self.courses = Table(Course, first["courses"])
        self.next_module = first["modules"]
        self.enrollments = Table(
            Enrollment, first["enrollments"], contact=lambda row: row.contact, course=lambda row: row.course
        )
        self.communities = Table(Community, first["communities"])
        self.memberships = Table(
            Membership, first["memberships"], contact=lambda row: row.contact, community=lambda row: row.community
        )
        self.pending: list[PendingMembership] = []
        self.plans = Table(PricePlan, first["plans"])
        self.subscriptions = Table(Subscription, first["subscriptions"], contact=lambda row: row.contact)
        self.webhooks: dict[str, Webhook] = {}
        self.next_uuid = 1 + options.id_offset
        self.rendered: dict[int, bytes] = {}  # contacts as JSON, until something in them changes
        self.rendered_for: tuple[str, bool] | None = None

    def _built_in(self) -> dict[str, str]:
        last_name = self.options.last_name_slug
        return {last_name if slug == "surname" else slug: label for slug, label in BUILT_IN.items()}

    @property
    def dialect(self) -> Dialect:
        return DIALECTS[self.options.dialect]

    def stamp(self) -> str:
        return self.now().isoformat(timespec="seconds")

    def new_uuid(self) -> str:
        """Ids of webhooks and their events: UUIDs that can be foretold, like everything here."""
        number = self.next_uuid
        self.next_uuid += 1
        return f"019c418b-0110-7000-8000-{number:012x}"

    def new_module_id(self) -> int:
        self.next_module += 1
        return self.next_module - 1

    # Contacts and what hangs on them

    def add_contact(self, contact: Contact) -> None:
        self.contacts.put(contact)
        self.emails[self.mailbox(contact.email)] = contact.id
        for tag in contact.tags:
            self.tagged.setdefault(tag, SortedIds()).add(contact.id)

    def mailbox(self, email: str) -> str:
        """What is unique about an address: its case does not count, and in a loose account less than that."""
        return normalize("NFKC", email).casefold() if self.options.loose_emails else email.lower()

    def contact_by_email(self, email: str) -> Contact | None:
        number = self.emails.get(self.mailbox(email))
        return None if number is None else self.contacts.rows[number]

    def remove_contact(self, contact: Contact) -> None:
        """Takes taggings, enrollments, memberships and subscriptions along."""
        self.contacts.remove(contact.id)
        del self.emails[self.mailbox(contact.email)]
        self.rendered.pop(contact.id, None)
        for tag in contact.tags:
            self.tagged[tag].discard(contact.id)
        for table in (self.enrollments, self.memberships, self.subscriptions):
            for number in list(table.index("contact", contact.id).ids):
                table.remove(number)
        self.pending = [row for row in self.pending if row.contact != contact.id]

    def assign(self, contact: Contact, tag: Tag) -> bool:
        """Whether the contact did not have the tag before."""
        if tag.id in contact.tags:
            return False
        contact.tags.append(tag.id)
        self.tagged.setdefault(tag.id, SortedIds()).add(contact.id)
        self.rendered.pop(contact.id, None)
        return True

    def unassign(self, contact: Contact, tag: Tag) -> bool:
        """Whether the contact had the tag."""
        if tag.id not in contact.tags:
            return False
        contact.tags.remove(tag.id)
        self.tagged[tag.id].discard(contact.id)
        self.rendered.pop(contact.id, None)
        return True

    def tagged_with(self, tag: int) -> SortedIds:
        return self.tagged.get(tag, EMPTY)

    def tag_changed(self, tag: Tag) -> None:
        for number in self.tagged_with(tag.id).ids:
            self.rendered.pop(number, None)

    def remove_tag(self, tag: Tag) -> None:
        self.tag_changed(tag)
        for number in self.tagged.pop(tag.id, EMPTY).ids:
            self.contacts.rows[number].tags.remove(tag.id)
        self.tags.remove(tag.id)

    def remove_field(self, slug: str) -> None:
        """Destroys the values on all contacts, as the vendor presumably does (api.md 5.4)."""
        del self.fields[slug]
        for contact in self.contacts.rows.values():
            contact.fields.pop(slug, None)
        self.rendered.clear()

    # Memberships appear later than they are asked for (api.md 5.6)

    def is_member(self, contact: int, community: int) -> bool:
        rows = self.memberships.index("contact", contact).ids
        seen = any(self.memberships.rows[number].community == community for number in rows)
        return seen or any(r.contact == contact and r.community == community for r in self.pending)

    def join(self, contact: int, community: int, delay: int) -> None:
        if delay > 0:
            self.pending.append(PendingMembership(contact, community, delay))
        else:
            self.memberships.put(Membership(self.memberships.new_id(), contact, community))

    def memberships_read(self) -> None:
        """One list was answered: waiting memberships come one read nearer."""
        waiting, self.pending = self.pending, []
        for row in waiting:
            self.join(row.contact, row.community, row.reads - 1)
