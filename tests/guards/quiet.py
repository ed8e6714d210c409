"""Run as a program of its own: imports every module of the package and tells what one of them did beside that.

One JSON list on stdout: `{"module", "did", "where"}`, for whatever a module's own code did while it was imported. What
an import statement leads to (the import system reading files, another package's own start) is not this module's doing.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

WATCHED = {"open", "os.listdir", "os.scandir", "os.mkdir", "os.putenv", "socket.__new__", "sqlite3.connect"}
WATCHED |= {"subprocess.Popen", "os.fork", "_thread.start_new_thread"}

ITS_OWN_AFFAIR = "pydantic."  # looks for its plug-ins when the first class of data is made


def watch(folder: str, told: list[dict[str, str]]) -> None:
    """Note files, folders, variables, sockets and processes that a module's code touches while it is imported."""

    def note(what: str) -> None:
        frame = sys._getframe(2)
        while frame is not None:
            name = frame.f_code.co_filename
            if name.startswith("<frozen importlib") or frame.f_globals.get("__name__", "").startswith(ITS_OWN_AFFAIR):
                return
            if name.startswith(folder):
                where = f"{Path(name).relative_to(Path(folder).parent)}:{frame.f_lineno}"
                told.append({"module": str(frame.f_globals.get("__name__")), "did": what, "where": where})
                return
            frame = frame.f_back

    def audited(event: str, arguments: tuple[Any, ...]) -> None:
        if event in WATCHED:
            note(f"{event} {arguments[0] if arguments else ''}")

    def noting(method: Callable[..., Any], what: str) -> Callable[..., Any]:
        def noted(*args: Any, **kwargs: Any) -> Any:
            note(f"{what} {args[-1]!r}" if args else what)
            return method(*args, **kwargs)

        return noted

    for method in ("__getitem__", "__iter__", "__len__"):
        setattr(os._Environ, method, noting(getattr(os._Environ, method), "os.environ"))
    os.stat = noting(os.stat, "os.stat")
    os.getcwd = noting(os.getcwd, "os.getcwd")
    sys.addaudithook(audited)


def main(folder: str, modules: list[str]) -> None:
    told: list[dict[str, str]] = []
    watch(folder, told)
    for module in modules:
        importlib.import_module(module)
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
