"""What every verdict owes its reader, and the numbers that scripts match on."""

from __future__ import annotations

from polarpod.contract.verdict import Verdict

# The exit codes are a public contract: written out here, so that a changed one fails.
EXIT_CODES = {
    "request_invalid": 2,
    "job_import_failed": 10,
    "job_failed": 11,
    "job_crashed": 12,
    "job_returned_wrong": 13,
    "decimal_rounding": 14,
    "integer_overflow": 33,
    "storage_denied": 16,
    "input_missing": 20,
    "input_empty": 21,
    "input_unreadable": 22,
    "input_mismatch": 23,
    "checks_failed": 24,
    "output_mismatch": 25,
    "publish_refused": 26,
    "code_mismatch": 32,
    "out_of_memory": 40,
    "context_invalid": 53,
    "storage_unavailable": 54,
    "disk_full": 55,
    "spill_unusable": 56,
}


def explains(verdict: Verdict, category: str, *words: str) -> None:
    """A verdict of this kind, with these words somewhere in it, for a person: no stack of Python's, something to do."""
    text = verdict.text()
    assert verdict.category == category, text
    assert verdict.exit_code == EXIT_CODES[category]
    missing = [word for word in words if word not in text]
    assert not missing, f"{missing} not in: {text}"
    assert verdict.evidence, text
    assert verdict.remedy, text
    assert "\n" not in verdict.summary
    assert "Traceback" not in text
