#!/usr/bin/env python3
"""The two commands: `python3 run.py` serves a demonstration, `python3 run.py test` runs the tests.

What is needed is set up first, inside this folder, and only where something changed (`requirements/`). Nothing but Python's
standard library is used. This file stays readable for Python 3.6, so that an old Python is told what it lacks.
"""

import errno
import os
import sys

USAGE = """usage / 用法: python3 run.py [--offline DIR] [VERB] [...]

  python3 run.py                   set up, load demo data, serve on http://127.0.0.1:8000 (--host, --port, --database ...)
                                   安装、载入演示数据并启动服务
  python3 run.py test              run the tests; --all: the slow ones too, and everything on PostgreSQL;
                                   --require browser,postgresql: fail when these are skipped; the rest goes to pytest
                                   运行测试；--all 包括慢测试和全部 PostgreSQL 测试；--require 所列被跳过即失败
  python3 run.py setup             set up only
                                   只安装
  python3 run.py bundle DIR        download everything that a machine like this one needs without network
                                   下载同类机器离线安装所需的全部内容
  python3 run.py --offline DIR     use such a bundle, with any verb
                                   使用离线包，可与任何命令同用
  python3 run.py VERB              a verb of the program: serve, worker, replay, deploy, check ... (VERB --help)
                                   程序的其他命令
"""

WINDOWS = (
    "Linxuan does not run on Windows itself. Install WSL (`wsl --install` in PowerShell) and run this in its Linux shell.\n"
    "遴选不能直接在 Windows 上运行。请在 PowerShell 中执行 wsl --install 安装 WSL，再在 WSL 的 Linux 终端里运行本命令。"
)
OLD_PYTHON = (
    "Python 3.11 or newer is needed; this is {found} ({path}). Install a newer one (Debian 12: sudo apt install python3 "
    "python3-venv; macOS: brew install python@3.13) and run this with it, for example: python3.13 run.py\n"
    "需要 Python 3.11 或更新版本，当前是 {found}。请安装新版，再用它运行，例如 python3.13 run.py"
)

if os.name == "nt":
    sys.exit(WINDOWS)
if sys.version_info < (3, 11):  # noqa: UP036 - this is where others are told
    sys.exit(OLD_PYTHON.format(found="{}.{}".format(*sys.version_info), path=sys.executable))

import fcntl  # noqa: E402 - Windows has none
from pathlib import Path  # noqa: E402

from requirements.bundle import make_bundle, open_bundle  # noqa: E402
from requirements.frontend import build_front_end  # noqa: E402
from requirements.messages import LOG, ROOT, SetupFailed, refuse_full_disk, say  # noqa: E402
from requirements.packages import PYTHON, RUNTIME_LOCK, TEST_LOCK, install_packages, make_environment  # noqa: E402


def set_up(lock: Path, bundle: Path | None) -> None:
    """Prepare everything that a verb needs; one set-up at a time.

    Raises SetupFailed with the remedy.
    """
    LOG.parent.mkdir(exist_ok=True)
    with (LOG.parent / "setup.lock").open("w") as guard:
        try:
            fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("另一个安装正在进行，等待……", "Another set-up is running; waiting for it ...")
            fcntl.flock(guard, fcntl.LOCK_EX)
        make_environment()
        install_packages(lock, bundle)
        build_front_end(bundle)


def main(arguments: list[str]) -> None:
    """Set up, then become the verb.

    Raises SetupFailed with the remedy.
    """
    bundle = None
    if arguments[:1] == ["--offline"] and len(arguments) > 1:
        bundle, arguments = open_bundle(Path(arguments[1])), arguments[2:]
    verb = arguments[0] if arguments and not arguments[0].startswith("-") else None
    rest = arguments[1:]
    if arguments[:1] in (["--help"], ["-h"]):
        print(USAGE, end="")
        return
    if (verb is None and "--offline" in arguments) or (verb == "bundle" and len(rest) != 1):
        print(USAGE, end="", file=sys.stderr)
        sys.exit(2)
    set_up(TEST_LOCK if verb == "test" else RUNTIME_LOCK, bundle)
    if verb == "setup":
        return
    if verb == "bundle":
        make_bundle(Path(rest[0]))
        return
    if verb in ("test", None):
        os.chdir(ROOT)  # the demonstration's data stand here, wherever the command was given
    if verb == "test":
        command = [str(PYTHON), "tests/setup/suite.py", *rest]
    elif verb is None:
        command = [str(PYTHON), "-P", "-m", "api.cli", "serve", "--demo", *arguments]
    else:
        command = [str(PYTHON), "-P", "-m", "api.cli", *arguments]
    os.execv(command[0], command)


if __name__ == "__main__":
    try:
        try:
            main(sys.argv[1:])
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                refuse_full_disk()
            raise
    except SetupFailed as failure:
        sys.exit(str(failure))
    except KeyboardInterrupt:
        sys.exit(130)
