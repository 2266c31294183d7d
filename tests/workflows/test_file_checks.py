"""What a file may be called and may hold, and how it comes into the store: whole or not at all."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from docx import Document
from openpyxl import Workbook

from engine.database import open_database
from engine.work import ProcessEngine
from workflows.files import FileContentRefused, FileDamaged, FileEmpty, FileTooLarge, FileTypeRefused, clean_name, receive_file
from workflows.files import content as rules
from workflows.files.store import path_of, verify_file

PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 64


@pytest.fixture
def store(tmp_path: Path) -> ProcessEngine:
    """An engine that has only a file store; files need no table."""
    return ProcessEngine(open_database("sqlite://"), extras={"files": tmp_path / "files"})


def pack(entries: Mapping[str, bytes], *, change: Callable[[zipfile.ZipInfo], None] | None = None) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            if change is not None:
                change(info)
            archive.writestr(info, data)
    return buffer.getvalue()


def office(mark: str, **more: bytes) -> bytes:
    types = b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
    return pack({"[Content_Types].xml": types, mark: b"<x/>", **{key.replace("__", "/"): data for key, data in more.items()}})


def receive(store: ProcessEngine, data: bytes, name: str) -> str:
    return receive_file(store, io.BytesIO(data), name=name).media_type


def test_received_file_lies_under_its_hash(store: ProcessEngine) -> None:
    received = receive_file(store, io.BytesIO(PDF), name="成效 证明.PDF")
    assert (received.sha256, received.size, received.name) == (hashlib.sha256(PDF).hexdigest(), len(PDF), "成效 证明.PDF")
    path = path_of(store.extras["files"], received.sha256)
    assert path.read_bytes() == PDF and stat.S_IMODE(path.stat().st_mode) == 0o440
    assert receive_file(store, io.BytesIO(PDF), name="again.pdf").sha256 == received.sha256
    assert list((store.extras["files"] / "incoming").iterdir()) == []


def test_changed_or_missing_bytes_are_noticed(store: ProcessEngine) -> None:
    received = receive_file(store, io.BytesIO(PDF), name="a.pdf")
    path = verify_file(store, received.sha256)
    path.chmod(0o600)
    path.write_bytes(PDF + b" ")
    with pytest.raises(FileDamaged):
        verify_file(store, received.sha256)
    path.unlink()
    with pytest.raises(FileDamaged):
        verify_file(store, received.sha256)


@pytest.mark.parametrize(("data", "fault"), [(b"", FileEmpty), (PDF + b" " * 2000, FileTooLarge)])
def test_size_is_bounded_and_nothing_stays(store: ProcessEngine, data: bytes, fault: type[Exception]) -> None:
    store.extras["largest_file"] = 2000
    with pytest.raises(fault):
        receive(store, data, "a.pdf")
    assert [name for _, _, names in os.walk(store.extras["files"]) for name in names] == []


def test_largest_file_is_read_no_further(store: ProcessEngine) -> None:
    class Endless(io.RawIOBase):
        given = 0

        def read(self, size: int = -1) -> bytes:
            self.given += size
            return b"x" * size

    store.extras["largest_file"] = 1_000_000
    endless = Endless()
    with pytest.raises(FileTooLarge):
        receive_file(store, endless, name="a.pdf")  # type: ignore[arg-type]
    assert endless.given < 2_000_000


def test_office_files_of_real_libraries_are_taken(store: ProcessEngine) -> None:
    text, table = io.BytesIO(), io.BytesIO()
    Document().save(text)
    Workbook().save(table)
    assert receive(store, text.getvalue(), "材料.docx") == rules.ALLOWED["docx"]
    assert receive(store, table.getvalue(), "数据.xlsx") == rules.ALLOWED["xlsx"]
    chart = office("ppt/presentation.xml", ppt__embeddings__chart__xlsx=b"")
    chart = pack({"[Content_Types].xml": b"<Types/>", "ppt/presentation.xml": b"<x/>", "ppt/embeddings/a.xlsx": table.getvalue()})
    assert receive(store, chart, "演示.pptx") == rules.ALLOWED["pptx"]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.pdf", PDF),
        ("a.png", PNG),
        ("a.jpg", b"\xff\xd8\xff\xe0" + b"\0" * 64),
        ("a.JPEG", b"\xff\xd8\xff\xe0" + b"\0" * 64),
        ("a.ofd", pack({"OFD.xml": b"<ofd/>", "Doc_0/Document.xml": b"<x/>"})),
        ("a.zip", pack({"folder/": b"", "folder/a.pdf": PDF, "b.txt": b"text"})),
        (
            "a.docx",
            office(
                "word/document.xml", word__embeddings__oleObject1__bin=b"", word__a=OLE + "Equation Native".encode("utf-16-le")
            ),
        ),
    ],
)
def test_allowed_kinds(store: ProcessEngine, name: str, data: bytes) -> None:
    assert receive(store, data, name) == rules.ALLOWED[name.rpartition(".")[2].lower()]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.exe", b"MZ" + b"\0" * 100),
        ("a.svg", b"<svg/>"),
        ("a.html", b"<p>"),
        ("a.doc", OLE),
        ("a.docm", office("word/document.xml")),
        ("pdf", PDF),
        ("a.pdf", PNG),  # content and extension differ
        ("a.png", PDF),
        ("a.pdf", b"MZ" + PDF),
        ("a.docx", PDF),
        ("a.docx", pack({"a.txt": b"text"})),
        ("a.xlsx", office("word/document.xml")),
        ("a.pdf\u202egpj.exe", PDF),
    ],
)
def test_other_kinds_are_refused(store: ProcessEngine, name: str, data: bytes) -> None:
    with pytest.raises(FileTypeRefused):
        receive(store, data, name)


def _link(info: zipfile.ZipInfo) -> None:
    info.external_attr = (stat.S_IFLNK | 0o777) << 16


def _encrypted() -> bytes:
    data = bytearray(pack({"a.txt": b"text"}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = data.index(signature) + offset
        struct.pack_into("<H", data, place, struct.unpack_from("<H", data, place)[0] | 1)
    return bytes(data)


def _lying_bomb() -> bytes:
    """An archive whose directory says that an entry is small."""
    data = bytearray(pack({"a.txt": b"\0" * 50_000_000}))
    struct.pack_into("<I", data, data.index(b"PK\x01\x02") + 24, 10)
    return bytes(data)


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.docx", office("word/document.xml", word__vbaProject__bin=b""), None),
        ("a.docx", pack({"[Content_Types].xml": b"<T/>", "word/document.xml": b"", "word/vbaProject.bin": b"x"}), "macro"),
        (
            "a.docx",
            pack({"[Content_Types].xml": b"<T t='x.macroEnabled.main+xml'/>", "word/document.xml": b"", "w": b"x"}),
            "macro",
        ),
        ("a.docx", pack({"[Content_Types].xml": b" " * 9000 + b"vnd.ms-office.vbaProject", "word/document.xml": b""}), "macro"),
        ("a.docx", office("word/document.xml", a=OLE + "_VBA_PROJECT".encode("utf-16-le")), "macro"),
        ("a.docx", office("word/document.xml", a=OLE + "\x01Ole10Native".encode("utf-16-le")), "program"),
        ("a.docx", office("word/document.xml", a=b"MZ\x90\0"), "program"),
        ("a.zip", pack({"a.txt": b"\x7fELF"}), "program"),
        ("a.zip", pack({"a.exe": b"x"}), "kind"),
        ("a.zip", pack({"a.doc": OLE}), "kind"),
        ("a.zip", pack({"inner.zip": pack({"a.txt": b"x"})}), "nested"),
        ("a.zip", pack({"a.txt": pack({"a.txt": b"x"})}), "nested"),
        ("a.zip", pack({"../a.txt": b"x"}), "path"),
        ("a.zip", pack({"/etc/a.txt": b"x"}), "path"),
        ("a.zip", pack({"C:/a.txt": b"x"}), "path"),
        ("a.zip", pack({"..\\a.txt": b"x"}), "path"),
        ("a.zip", pack({"a.txt": b"target"}, change=_link), "link"),
        ("a.zip", pack({f"{number}.txt": b"" for number in range(1001)}), "entries"),
        ("a.zip", pack({"a.txt": b"\0" * 50_000_000}), "ratio"),
        ("a.zip", _encrypted(), "encrypted"),
        ("a.zip", pack({"a.txt": os.urandom(5000)})[:-3000] + pack({"b.txt": b""})[-60:], "broken"),
    ],
)
def test_harmful_content_is_refused(store: ProcessEngine, name: str, data: bytes, reason: str | None) -> None:
    if reason is None:
        assert receive(store, data, name)  # a word in a path is no macro: only the file of that name is
        return
    with pytest.raises(FileContentRefused) as refusal:
        receive(store, data, name)
    assert refusal.value.values["reason"] == reason
    assert list((store.extras["files"] / "incoming").iterdir()) == []


def test_declared_sizes_are_not_believed(store: ProcessEngine) -> None:
    with pytest.raises(FileContentRefused) as refusal:
        receive(store, _lying_bomb(), "a.zip")
    assert refusal.value.values["reason"] in ("ratio", "broken")


@pytest.mark.parametrize(
    ("given", "clean"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\甲\\成果.docx", "成果.docx"),
        ("e\u0301tude.pdf", "étude.pdf"),
        ("a\u202egpj.exe", "agpj.exe"),
        ("a\0b\n.pdf", "ab.pdf"),
        ("  . .pdf", "file.pdf"),
        ("", "file"),
        ("成" * 300 + ".pdf", "成" * 196 + ".pdf"),
        ("表\u200b格 . docx", "表格.docx"),
        (".htaccess", "file.htaccess"),
    ],
)
def test_names_are_harmless(given: str, clean: str) -> None:
    assert clean_name(given) == clean
