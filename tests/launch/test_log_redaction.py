"""A log that a launcher reads is shown without what looks like a credential; bytes that are no text stay unchanged."""

from __future__ import annotations

from polarpod.launch.worker import redacted


def test_a_password_that_a_job_prints_is_not_passed_on() -> None:
    assert b"hunter2" not in redacted(b"connecting with password=hunter2 to the warehouse\n")


def test_bytes_that_are_no_text_are_passed_on_as_they_are() -> None:
    assert redacted(b"caf\xe9, 3 rows\n") == b"caf\xe9, 3 rows\n"
