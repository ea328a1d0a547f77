"""Somebody else at work in the account, behind our back."""

from __future__ import annotations

from tests.support.project import Project


def rename_person(project: Project, email: str, **fields: str) -> None:
    """Change fields of a contact."""
    number = project.account.ids()["contacts"][email]
    rows = [{"slug": slug, "value": value} for slug, value in fields.items()]
    project.account.edit("PATCH", f"/api/contacts/{number}", {"fields": rows})


def delete_tag(project: Project, name: str) -> None:
    """Delete a tag."""
    project.account.edit("DELETE", f"/api/tags/{project.account.ids()['tags'][name]}")
