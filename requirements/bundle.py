"""Bundles: everything that a machine of the same kind with the same Python needs without network, for both commands."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from requirements.frontend import WEB, find_node, install_web_packages
from requirements.messages import platform_name, python_name, refuse, say
from requirements.packages import NODE_LOCK, RUNTIME_LOCK, TEST_LOCK, pip
from requirements.stamps import hash_files, read_stamp, write_stamp


def describe_need() -> dict[str, str]:
    """What a bundle must have been made for to be of use here."""
    locks = hash_files([RUNTIME_LOCK, TEST_LOCK, NODE_LOCK, WEB / "package-lock.json"])
    return {"python": python_name(), "platform": platform_name(), "locks": locks}


def make_bundle(folder: Path) -> None:
    """Download all locked packages, Python's and the front end's, into `folder`.

    Raises SetupFailed with the remedy.
    """
    folder = folder.absolute()
    (folder / "wheels").mkdir(parents=True, exist_ok=True)
    say("下载 Python 包……", "Downloading the Python packages ...")
    for lock in (TEST_LOCK, NODE_LOCK):
        exactly = ["--require-hashes", "--only-binary", ":all:", "--requirement", str(lock)]
        pip(["download", "--dest", str(folder / "wheels"), *exactly])
    say("下载前端包……", "Downloading the front end's packages ...")
    npm, _ = find_node(None)
    ask = [*npm, "config", "get", "registry"]
    registry = subprocess.run(ask, cwd=WEB, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout.strip()
    with tempfile.TemporaryDirectory() as scratch:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(WEB / name, scratch)
        install_web_packages(npm, Path(scratch), cache=folder / "npm")
    write_stamp(folder / "bundle.json", describe_need() | {"registry": registry})
    say(
        f"离线包已写入 {folder}。把它和本文件夹一起带走，然后运行 python3 run.py --offline {folder}",
        f"The bundle is in {folder}. Carry it together with this folder, then run: python3 run.py --offline {folder}",
    )


def open_bundle(folder: Path) -> Path:
    """The bundle in `folder`, ready for use.

    Raises SetupFailed when it is none, or was made for another kind of machine, another Python or other locks.
    """
    folder = folder.absolute()
    found = read_stamp(folder / "bundle.json")
    if not found:
        refuse(f"{folder} 不是离线包（缺少 bundle.json）。", f"{folder} is not a bundle (no bundle.json in it).")
    for key, value in describe_need().items():
        if found.get(key) != value:
            refuse(
                f"离线包与本机不符（{key}：离线包为 {found.get(key)}，需要 {value}）。"
                "请用相同版本的遴选、相同 Python 版本、同类机器重新制作。",
                f"The bundle does not fit ({key}: the bundle has {found.get(key)}, needed is {value}). "
                "Make it again with this version of Linxuan, the same Python version and the same kind of machine.",
            )
    return folder
