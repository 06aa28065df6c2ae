"""A program that cannot run, crashes or is killed ends in an error with what to do."""

from __future__ import annotations

import re
import stat

import pytest

from winstan.errors import BackendError
from winstan.toolchain import sample


def program(tmp_path, content: bytes):
    """An executable file of some content."""
    file = tmp_path / "program"
    file.write_bytes(content)
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return file


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x7fELF" + bytes(60), r"cannot be run: .*delete it"),
        (b"\x00\x01\x02\x03", r"cannot be run: .*delete it"),
        (b"#!/bin/sh\nkill -SEGV $$\n", r"crashed \(SIGSEGV\).*delete it"),
        (b"#!/bin/sh\nkill -ABRT $$\n", r"crashed \(SIGABRT\).*delete it"),
        (b"#!/bin/sh\nkill -KILL $$\n", r"was killed, most likely for want of memory"),
        (b"#!/bin/sh\nkill -XFSZ $$\n", r"larger than files may be here.*ulimit -f"),
        (b"#!/bin/sh\nexit 0\n", r"The sampler failed\. It said nothing"),
        (b"#!/bin/sh\necho a word; exit 3\n", r"(?s)exit code 3.*a word$"),
        (b"#!/bin/sh\necho no tbb; exit 127\n", r"(?s)no tbb.*A library .* gone.*delete it"),
    ],
    ids=[
        "cut",
        "no program",
        "segmentation fault",
        "abort",
        "killed",
        "large",
        "no draws",
        "exit code",
        "no library",
    ],
)
def test_the_error_says_what_happened_and_what_to_do(tmp_path, monkeypatch, content, said):
    folder = tmp_path / "draws"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    with pytest.raises(BackendError, match=said):
        sample(program(tmp_path, content), {}, chains=1, warmup=5, draws=5, seed=1)
    assert not list(folder.glob("winstan-*"))


@pytest.mark.parametrize(
    ("limit", "most", "said"),
    [
        ("RLIMIT_FSIZE", 0, "larger than files may be here"),
        ("RLIMIT_NOFILE", 3, "Too many files are open"),
        ("RLIMIT_CORE", 0, "files cannot be written: .*nowhere.*TMPDIR"),
    ],
)
def test_files_that_cannot_be_written_are_told_with_what_to_do(
    tmp_path, monkeypatch, limit, most, said
):
    resource = pytest.importorskip("resource")
    folder = tmp_path / "nowhere" if "nowhere" in said else tmp_path
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    exe, which = program(tmp_path, b"#!/bin/sh\nexit 0\n"), getattr(resource, limit)
    soft, hard = resource.getrlimit(which)
    try:
        resource.setrlimit(which, (most, hard))
        with pytest.raises(BackendError) as told:
            sample(exe, {"x": [1.0]}, chains=1, warmup=5, draws=5, seed=1)
    finally:
        resource.setrlimit(which, (soft, hard))
    assert re.search(said, str(told.value))
