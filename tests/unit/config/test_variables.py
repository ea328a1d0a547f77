"""Expressions in text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.config.variables import Unknown, interpolate

VARIABLES = {"domain": "example.com", "tricky": "${env.RECONCILER_VAR_X}", "number": "5"}
ENVIRON = {"RECONCILER_VAR_X": "x", "RECONCILER_VAR_EMPTY": "", "MATON_API_KEY": "key", "HOME": "/root"}


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("https://${var.domain}/x", "https://example.com/x"),
        ("${env.RECONCILER_VAR_X}${var.number}", "x5"),
        ("${env.RECONCILER_VAR_Y:-d e:-f}", "d e:-f"),
        ("${env.RECONCILER_VAR_EMPTY:-d}", "d"),
        ("${env.RECONCILER_VAR_EMPTY}", ""),
        ("$${var.domain}", "${var.domain}"),
        ("$5 and $ and $$", "$5 and $ and $$"),
        ("${var.tricky}", "${env.RECONCILER_VAR_X}"),
        ("$$${var.domain}", "$${var.domain}"),
    ],
)
def test_values(text, result):
    """Values are put in once and not looked into."""
    assert interpolate(text, VARIABLES, ENVIRON) == result


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ("${var.domian}", 'unknown variable "domian"', "did you mean `domain`?"),
        ("${env.RECONCILER_VAR_Y}", "RECONCILER_VAR_Y is not set", "did you mean `RECONCILER_VAR_X`?"),
        ("${env.MATON_API_KEY}", "cannot be read", "under `vars:`"),
        ("${env.HOME:-x}", "names must begin with RECONCILER_VAR_", ""),
        ("${env.RECONCILER_LEDGER_KEY}", "cannot be read", ""),
        ("${domain}", "unknown expression ${domain}", "write $${"),
        ("${}", "unknown expression", "write $${"),
        ("${var.x", "unclosed `${", "write $${"),
        ("${env.RECONCILER_VAR_B}", "is not UTF-8", "text"),
    ],
)
def test_what_has_no_value(text, what, hint):
    """Each says what is wrong; the values of other variables do not show."""
    with pytest.raises(Unknown) as caught:
        interpolate(text, VARIABLES, {**ENVIRON, "RECONCILER_VAR_B": "\udcff"})
    assert what in caught.value.args[0]
    assert hint in caught.value.args[1]
    assert "key" not in caught.value.args


def test_without_near_names_the_way_out_is_said():
    """A default can be written."""
    with pytest.raises(Unknown) as caught:
        interpolate("${env.RECONCILER_VAR_Q}", {}, {})
    assert "${env.RECONCILER_VAR_Q:-default}" in caught.value.args[1]


def test_text_beyond_ascii_is_fine():
    """Only broken text is refused."""
    assert interpolate("${env.RECONCILER_VAR_U}", {}, {"RECONCILER_VAR_U": "é"}) == "é"


@given(st.text())
def test_escaping_brings_any_text_through(text):
    """Doubling the dollar of every ``${`` is the inverse."""
    if "$${" not in text and "$$" not in text:
        assert interpolate(text.replace("${", "$${"), {}, {}) == text


def test_a_variable_of_environments_names_them():
    """One of them has to be chosen."""
    with pytest.raises(Unknown) as caught:
        interpolate("${var.prefix}", {}, {}, {"prefix": ["staging", "production"]})
    assert caught.value.args == (
        'unknown variable "prefix"',
        "it is defined in environments staging and production: choose one with -e",
    )
