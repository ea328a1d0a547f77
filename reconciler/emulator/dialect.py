"""The two dialects of the API, and where the descriptions of the API differ.

                        vendor               skill (the gateway's documents)
contact names           in `fields`          firstName, lastName, phoneNumber beside `fields`
label of a field        fieldName            name
webhook PATCH           name + secret, no url  any subset, url too
enrollment accessType   required             full_access by default
subscriptions of        one contact          all contacts if none is given
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dialect:
    name: str
    label: str
    beside_fields: Mapping[str, str]  # key of a contact -> slug of the field behind it
    webhook_required: tuple[str, ...]
    webhook_url: bool
    access: str | None
    subscriptions_need_contact: bool


VENDOR = Dialect(
    name="vendor",
    label="fieldName",
    beside_fields={},
    webhook_required=("name", "secret"),
    webhook_url=False,
    access=None,
    subscriptions_need_contact=True,
)
SKILL = Dialect(
    name="skill",
    label="name",
    beside_fields={"firstName": "first_name", "lastName": "surname", "phoneNumber": "phone_number"},
    webhook_required=(),
    webhook_url=True,
    access="full_access",
    subscriptions_need_contact=False,
)
DIALECTS = {dialect.name: dialect for dialect in (VENDOR, SKILL)}
