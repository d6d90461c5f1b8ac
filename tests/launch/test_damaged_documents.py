"""A damaged document says which command writes it anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from polarpod.contract.verdict import PolarpodError
from polarpod.launch.specs import from_release
from polarpod.store.folder import Folder
from polarpod.store.parquet_manifest import KEY, read


@pytest.mark.parametrize(
    "text", [pytest.param("{", id="cut short"), pytest.param('{"protocol": "1.0"}', id="without its fields")]
)
def test_a_damaged_release_is_written_anew_by_polarpod_release(text: str, tmp_path: Path) -> None:
    path = tmp_path / "release.json"
    path.write_text(text)
    with pytest.raises(PolarpodError, match="the release is not valid") as caught:
        from_release(path)
    assert caught.value.verdict.evidence == [str(path)]
    assert "write a new one with `polarpod release`" in caught.value.verdict.remedy
    assert "polarpod run" not in caught.value.verdict.remedy


def test_a_damaged_manifest_is_restored_and_never_written_over(tmp_path: Path) -> None:
    Folder(str(tmp_path)).write(KEY, b"{")
    with pytest.raises(PolarpodError, match="the manifest of a Parquet dataset is not valid") as caught:
        read(Folder(str(tmp_path)))
    assert "restore it from a backup" in caught.value.verdict.remedy
    assert "`polarpod run`" not in caught.value.verdict.remedy
