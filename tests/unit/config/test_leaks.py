"""What looks like a secret, where it starts, and what does not."""

from __future__ import annotations

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.config.leaks import ALLOWED, leaks

_DICE = random.Random(7)
#: The form of a gateway's key: long, both cases, digits.
KEY = "".join(_DICE.choices(string.ascii_letters + string.digits + "_-", k=72))
HEX = "".join(_DICE.choices("0123456789abcdef", k=40))

SECRETS = {
    f"MATON_API_KEY={KEY}": ("the value of MATON_API_KEY", 15),
    f"# the old key was {KEY}": ("a key: long and random", 19),
    f"name: {KEY}": ("a key: long and random", 7),
    f"Authorization: Bearer {KEY}": ("a bearer token", 23),
    f"  secret: {HEX}": ("the value of secret", 11),
    "  secret: 'hunter2!'": ("the value of secret", 12),
    '{"password": "Tr0ub4dor&3"}': ("the value of password", 15),
    "# password: hunter22": ("the value of password", 13),
    "webhook_token = a8Kd02ls9": ("the value of webhook_token", 17),
    "secret,s3cr3t-0f-all": ("the value of secret", 8),
    "-----BEGIN RSA PRIVATE KEY-----": ("a private key", 1),
    "key: |  -----BEGIN PRIVATE KEY-----": ("a private key", 9),
    "-----BEGIN PGP PRIVATE KEY BLOCK-----": ("a private key", 1),
    "url: https://ann:pa55word@crm.test/hook": ("a URL with a password", 18),
    "ledger: postgresql+psycopg://reconciler:Pa55@db.test/ledger": ("a URL with a password", 41),
    "ghp_" + "aB3" * 12: ("a token of GitHub", 1),
    "glpat-" + "aB3-" * 5: ("a token of GitLab", 1),
    "AKIA" + "A2B3" * 4: ("a key of AWS", 1),
    "AIza" + "aB3_-" * 7: ("a key of Google", 1),
    "sk_live_" + "aB3d" * 6: ("a key of Stripe", 1),
    "whsec_" + "aB3d" * 6: ("a key of Stripe", 1),
    "xoxb-123456789012-abcdefghij": ("a token of Slack", 1),
    "url: https://hooks.slack.com/services/T012/B345/aB3dE6": ("an address that is a secret", 39),
    "url: https://discord.com/api/webhooks/123456/aB3-dE6": ("an address that is a secret", 39),
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmN": ("a signed token", 1),
}

HARMLESS = (
    "secret: {env: CRM_WEBHOOK_SECRET}",
    "secret: {file: secrets/crm.txt}",
    "secret: ${env.RECONCILER_VAR_SECRET}",
    "secret: CRM_WEBHOOK_SECRET",
    "password: changeme",
    "password: <your password>",
    "token: your-token-1",
    "api_key: ********",
    "secret: not shown",
    "# The secret: how to sell courses in 2024",
    "name: The Secret: a course in 12 parts",
    "title: 'Secret: Level 2'",
    "password: 2024-01-01",
    "token_file: run/secrets/token.txt",
    "private_key: /etc/keys/site.pem",
    "connection: 21fd90f9-5935-43cd-b6c8-bde9d915ca80",
    "secret_id: 21fd90f9-5935-43cd-b6c8-bde9d915ca80",
    f"digest: sha256:{HEX}{HEX[:24]}",
    "url: https://crm.example.com/hooks/systeme",
    "url: https://docs.example.com/d/1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms/edit",
    "ledger: postgresql+psycopg://reconciler@db.example.com/ledger",
    "ledger: postgresql+psycopg://reconciler:${PASSWORD}@db.example.com/ledger",
    "ledger: postgresql+psycopg://reconciler:changeme@db.example.com/ledger",
    "ledger: postgresql+psycopg://USER:PASSWORD@HOST/NAME",
    "email: ann:smith@example.com",
    "phone_number: +33612345678",
    "slug: a_very_long_slug_of_a_contact_field_that_goes_on_and_on",
    "name: ThisIsAVeryLongCamelCaseNameOfATagThatSomebodyThoughtOf",
    "path: courses/2024/summer/AdvancedPhotography/Module12/Lesson3",
    "Authorization: Bearer $MATON_API_KEY",
    "Authorization: Bearer YOUR_API_KEY_HERE",
    "events: [CONTACT_CREATED, SALE_NEW]",
    "# yaml-language-server: $schema=../../schema/reconciler.schema.json",
    "uses: actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0",
    "MATON_API_KEY: ${{ secrets.MATON_API_KEY }}",
)


@pytest.mark.parametrize(("line", "found"), SECRETS.items())
def test_a_secret_is_found_where_it_starts(line: str, found: tuple[str, int]) -> None:
    """One finding, with its line and column, and no sign of the secret in its words."""
    (leak,) = leaks(f"tags: [VIP]\n{line}\n")
    assert (leak.what, leak.column, leak.line) == (*found, 2)


@pytest.mark.parametrize("line", HARMLESS)
def test_what_is_no_secret_is_left_alone(line: str) -> None:
    """References, placeholders, prose, paths, ids, digests and addresses raise no alarm."""
    assert list(leaks(line)) == []


@pytest.mark.parametrize("line", SECRETS)
def test_a_line_may_say_that_it_is_none(line: str) -> None:
    """The words count on their own line only."""
    assert list(leaks(f"{line} # {ALLOWED}")) == []
    assert len(list(leaks(f"# {ALLOWED}\n{line}"))) == 1


def test_several_of_one_line_come_in_order() -> None:
    """Two values, two findings, from the left to the right."""
    found = list(leaks("secret: a8Kd02ls9  password: b7Jc13mt8"))
    assert [leak.column for leak in found] == [9, 30]


@given(st.text(max_size=300))
def test_any_text_can_be_looked_through(text: str) -> None:
    """Nothing raises, and every position is in the text."""
    lines = text.splitlines()
    assert all(leak.column <= len(lines[leak.line - 1]) for leak in leaks(text))


@given(st.lists(st.sampled_from(string.ascii_lowercase + " -_/.:"), max_size=200).map("".join))
def test_prose_in_small_letters_is_never_random(text: str) -> None:
    """Without digits and capitals nothing is taken for what a generator made."""
    assert not [leak for leak in leaks(text) if "random" in leak.what]
