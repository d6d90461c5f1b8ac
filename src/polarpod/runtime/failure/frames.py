"""The frames of an exception's traceback that belong to the job's own code."""

from __future__ import annotations

import linecache
import sysconfig
import traceback
from functools import lru_cache
from pathlib import Path
from types import FrameType

from polarpod.runtime.failure.text import line, said_by

# The failing line and its callers; a recursion has a thousand frames.
_FRAMES = 3
_OURS = str(Path(__file__).resolve().parents[2])
_LIBRARIES = {str(Path(sysconfig.get_path(name)).resolve()) for name in ("stdlib", "platstdlib", "purelib", "platlib")}


def user_frames(error: BaseException, jobs: Path | None = None) -> list[str]:
    """Returns the last frames of the job's own files, as evidence: file, line, function and source line.

    Args:
        jobs: the folder of the job's code. Without it, every frame of neither polarpod nor a library is the job's, but
            only behind polarpod's last frame: one of polarpod further in means that the job had called polarpod.
    """
    walked = list(traceback.walk_tb(error.__traceback__))
    if jobs is not None:
        root = str(jobs.resolve())
        mine = [(frame, number) for frame, number in walked if _within(frame, root) and not _library(frame)]
    else:
        mine = _innermost(walked)
    lines = [_describe(frame, number) for frame, number in mine[-_FRAMES:]]
    if isinstance(error, SyntaxError) and error.filename:
        # A file that cannot be parsed has no frame.
        lines.append(f"{Path(said_by(error.filename)).name}:{said_by(error.lineno)}: {said_by(error.text or '')}")
    # `line` redacts: source lines may contain credentials.
    return [line(each) for each in lines]


def _innermost(walked: list[tuple[FrameType, int]]) -> list[tuple[FrameType, int]]:
    """Returns the frames after the last of polarpod's own, without those of libraries."""
    since = max((index for index, (frame, _) in enumerate(walked) if _within(frame, _OURS)), default=-1)
    return [(frame, number) for frame, number in walked[since + 1 :] if not _library(frame)]


def _within(frame: FrameType, folder: str) -> bool:
    return _resolved(frame.f_code.co_filename).startswith(f"{folder}/")


@lru_cache(maxsize=1024)  # a recursion resolves the same file a thousand times
def _resolved(name: str) -> str:
    return str(Path(name).resolve())


def _library(frame: FrameType) -> bool:
    name = frame.f_code.co_filename
    if name.startswith("<") or "/site-packages/" in name or "/dist-packages/" in name:
        return True
    return any(_within(frame, folder) for folder in _LIBRARIES)


def _describe(frame: FrameType, number: int) -> str:
    code = frame.f_code
    source = linecache.getline(code.co_filename, number).strip()
    return f"{Path(code.co_filename).name}:{number} in {code.co_name}: {source}"
