"""Which lines of the job's own code an exception passed through."""

from __future__ import annotations

import linecache
import sysconfig
import traceback
from functools import lru_cache
from pathlib import Path
from types import FrameType

from polarpod.runtime.failure.text import line, said_by

# A person wants the line that failed and how it was come to; a recursion has a thousand of them.
_FRAMES = 3
_OURS = str(Path(__file__).resolve().parents[2])
_LIBRARIES = {str(Path(sysconfig.get_path(name)).resolve()) for name in ("stdlib", "platstdlib", "purelib", "platlib")}


def user_frames(error: BaseException, jobs: Path | None = None) -> list[str]:
    """The last frames of the job's own files, as evidence: file, line, function, and the source line itself.

    Args:
        jobs: the folder of the job's code. Without it, whatever is neither polarpod nor a library is the job's, and
            only where its code was running: a frame of polarpod further in means that the job had called us.
    """
    walked = list(traceback.walk_tb(error.__traceback__))
    if jobs is not None:
        root = str(jobs.resolve())
        mine = [(frame, number) for frame, number in walked if _within(frame, root) and not _library(frame)]
    else:
        mine = _innermost(walked)
    lines = [_describe(frame, number) for frame, number in mine[-_FRAMES:]]
    if isinstance(error, SyntaxError) and error.filename:
        # the file that could not even be parsed has no frame
        lines.append(f"{Path(said_by(error.filename)).name}:{said_by(error.lineno)}: {said_by(error.text or '')}")
    # source lines hold credentials more often than they should
    return [line(each) for each in lines]


def _innermost(walked: list[tuple[FrameType, int]]) -> list[tuple[FrameType, int]]:
    """The frames after the last of polarpod's own, without those of libraries."""
    since = max((index for index, (frame, _) in enumerate(walked) if _within(frame, _OURS)), default=-1)
    return [(frame, number) for frame, number in walked[since + 1 :] if not _library(frame)]


def _within(frame: FrameType, folder: str) -> bool:
    return _resolved(frame.f_code.co_filename).startswith(f"{folder}/")


@lru_cache(maxsize=1024)  # a recursion asks for the same file a thousand times
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
