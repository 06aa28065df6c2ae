"""A program that cannot run, crashes or is killed ends in an error with what to do."""

from __future__ import annotations

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
        (b"#!/bin/sh\nexit 0\n", r"The sampler failed\. It said nothing"),
        (b"#!/bin/sh\necho a word; exit 3\n", r"(?s)exit code 3.*a word"),
    ],
    ids=["cut", "no program", "segmentation fault", "abort", "killed", "no draws", "exit code"],
)
def test_the_error_says_what_happened_and_what_to_do(tmp_path, monkeypatch, content, said):
    folder = tmp_path / "draws"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    with pytest.raises(BackendError, match=said):
        sample(program(tmp_path, content), {}, chains=1, warmup=5, draws=5, seed=1)
    assert not list(folder.glob("winstan-*"))
