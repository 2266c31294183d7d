"""Words for the person at the terminal, and remedies for what goes wrong during set-up."""

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
LOG = ROOT / "var" / "setup.log"
SPACE_NEEDED = 1200 * 1024 * 1024
"""Bytes that a first set-up may take: environment, node and its packages (measured: under 1 GB with everything)."""


class SetupFailed(Exception):
    """Set-up cannot go on; the text names the remedy."""


def choose(zh: str, en: str) -> str:
    """The text in the language of the terminal."""
    language = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return zh if language.lower().startswith("zh") else en


def say(zh: str, en: str) -> None:
    """One line of progress, on standard error: standard output belongs to the verb."""
    print(choose(zh, en), file=sys.stderr, flush=True)


def refuse(zh: str, en: str) -> NoReturn:
    """Stop the set-up.

    Raises SetupFailed, always.
    """
    raise SetupFailed(choose(zh, en))


def platform_name() -> str:
    """The kind of machine, e.g. linux-x86_64."""
    return f"{sys.platform}-{platform.machine().lower()}"


def python_name() -> str:
    """The version that decides which wheels fit, e.g. 3.11."""
    return f"{sys.version_info[0]}.{sys.version_info[1]}"


def refuse_full_disk() -> NoReturn:
    """No space left.

    Raises SetupFailed, always.
    """
    free = shutil.disk_usage(ROOT).free >> 20
    refuse(
        f"磁盘空间不足：{ROOT} 所在磁盘只剩 {free} MB，首次安装约需 {SPACE_NEEDED >> 20} MB。请清理空间后重试。",
        f"The disk is full: {free} MB are free at {ROOT}; a first set-up needs about {SPACE_NEEDED >> 20} MB. "
        "Free some space and run this again.",
    )


def require_space() -> None:
    """Ask for space before a first set-up begins.

    Raises SetupFailed when there is too little.
    """
    if shutil.disk_usage(ROOT).free < SPACE_NEEDED:
        refuse_full_disk()


UNREACHABLE = (
    r"NewConnectionError|ConnectTimeout|ReadTimeout|Read timed out|ProxyError|SSLError|Connection refused|Connection reset|"
    r"Name or service not known|Temporary failure in name resolution|nodename nor servname|Network is unreachable|"
    r"No route to host|ECONNREFUSED|ENOTFOUND|ETIMEDOUT|EAI_AGAIN|ECONNRESET|ENETUNREACH|EHOSTUNREACH|"
    r"\b50[0-9] (Server|Service|Bad|Gateway|Internal)"
)
MIRRORS = {
    "pip": "PIP_INDEX_URL=https://pypi.mirror.example/simple python3 run.py",
    "npm": "npm_config_registry=https://npm.mirror.example python3 run.py",
}


def explain(what: str, output: str) -> None:
    """Find the remedy in what pip or npm (`what`) said; come back when there is none.

    Raises SetupFailed when disk, registry, hashes or platform are at fault.
    """
    if re.search(r"No space left on device|ENOSPC|Disk quota exceeded", output):
        refuse_full_disk()
    if re.search(r"DO NOT MATCH THE HASHES|EINTEGRITY", output):
        refuse(
            f"{what} 软件源给出的文件与锁定的校验和不符，未安装。请更换镜像后重试。详细记录：{LOG}",
            f"The {what} registry gave files that are not the locked ones; they were not installed. Use another mirror. "
            f"Details: {LOG}",
        )
    nothing_found = "from versions: none" in output and "--no-index" not in output  # all that pip says without retries
    if re.search(UNREACHABLE, output) or nothing_found:
        refuse(
            f"无法连接 {what} 软件源。请检查网络和代理（HTTPS_PROXY），或改用镜像，例如：\n  {MIRRORS[what]}\n"
            "没有网络的机器：在联网的同类机器上运行 python3 run.py bundle 目录，再在此运行 python3 run.py --offline 目录。\n"
            f"详细记录：{LOG}",
            f"The {what} registry is out of reach. Check network and proxy (HTTPS_PROXY), or name a mirror, for example:\n"
            f"  {MIRRORS[what]}\n"
            "For a machine without network: run `python3 run.py bundle DIR` on a machine like this one that has it, and here "
            f"`python3 run.py --offline DIR`.\nDetails: {LOG}",
        )
    if re.search(r"ENOTCACHED|No matching distribution found", output):
        refuse(
            f"{what} 软件源（或离线包）缺少适用于本机（{platform_name()}，Python {python_name()}）的文件。详细记录：{LOG}",
            f"The {what} registry (or the bundle) lacks files for this machine ({platform_name()}, Python {python_name()}). "
            f"Details: {LOG}",
        )


def run_logged(what: str, command: Sequence[str], *, folder: Path = ROOT, environment: Mapping[str, str] | None = None) -> None:
    """Run one step of the set-up; its output goes to the log. `what` names the step: `pip`, `npm` or words.

    Raises SetupFailed when it fails, with the remedy that the output suggests, else with its last lines.
    """
    with LOG.open("a+", encoding="utf-8", errors="replace") as log:
        begin = log.seek(0, os.SEEK_END)
        log.write("$ " + " ".join(command) + "\n")
        log.flush()
        answer = subprocess.run(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
        if answer.returncode == 0:
            return
        log.seek(begin)
        output = log.read()
    if what in MIRRORS:
        explain(what, output)
    tail = "\n".join("  " + line for line in output.strip().splitlines()[-12:])
    refuse(f"{what} 失败：\n{tail}\n详细记录：{LOG}", f"{what} failed:\n{tail}\nDetails: {LOG}")
