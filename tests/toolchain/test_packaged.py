"""Programs that a wheel brings along. The compiler is pretended; `test_wheel.py` has a real one."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys

import pytest

from winstan.errors import BackendError
from winstan.toolchain import build, locate, packaged, prebuild, templates, toolchain
from winstan.toolchain.export import export

BUILD_MODULE = sys.modules["winstan.toolchain.build"]  # its function hides its name


@pytest.fixture
def wheel(pretended, monkeypatch, tmp_path):
    """Programs of two packaged templates, moved to where an installed wheel has them; no cache."""
    (pretended.template.parent / "small.stan").write_text(
        "parameters { real z; } model { z ~ normal(0, 3); }"
    )
    monkeypatch.setattr(templates, "template_folder", lambda: pretended.template.parent)
    export(tmp_path / "exported")
    shutil.move(tmp_path / "exported", tmp_path / "site-packages")
    shutil.rmtree(pretended.cache)
    pretended.log.unlink()
    monkeypatch.setattr(packaged, "FOLDER", tmp_path / "site-packages")
    packaged._complaint.cache_clear()
    return tmp_path / "site-packages"


def take_compilers_away(monkeypatch):
    monkeypatch.delenv("CXX")
    monkeypatch.setenv("PATH", "/nothing")


def program_of(folder, name):
    (found,) = folder.glob(f"{name}-*")
    return found


def test_no_compiler_is_needed_and_nothing_is_written(pretended, wheel, monkeypatch):
    take_compilers_away(monkeypatch)
    before = {path: path.stat().st_mtime_ns for path in wheel.rglob("*")}
    assert prebuild(["tiny", "small"]) == [program_of(wheel, "tiny"), program_of(wheel, "small")]
    used = toolchain()
    assert used.kind == "wheel"
    assert used.compiler_version == "pretended 1.0"
    assert f"compiled into the wheel, in {wheel}" in repr(used)
    assert f"other programs in {pretended.cache}" in repr(used)
    assert not pretended.cache.exists()
    assert {path: path.stat().st_mtime_ns for path in wheel.rglob("*")} == before


def test_an_edited_template_is_compiled(pretended, wheel, monkeypatch):
    pretended.template.write_text("parameters { real x; } model { x ~ normal(0, 8); }")
    program = build("tiny")
    assert program.parent == pretended.cache
    assert sorted(pretended.calls()) == ["out.o", "out.o", "program"]
    assert build("small") == program_of(wheel, "small")
    shutil.rmtree(pretended.cache)
    take_compilers_away(monkeypatch)
    assert toolchain().kind == "wheel"
    assert build("small") == program_of(wheel, "small")
    with pytest.raises(BackendError, match=r"compiler.*no program of this text of tiny\.stan"):
        build("tiny")


def test_a_copy_of_a_template_is_compiled_with_checks(pretended, wheel, tmp_path):
    """Programs of winstan's own templates check no index at each gradient; a user's do."""
    copy = shutil.copytree(pretended.template.parent, tmp_path / "copy") / "tiny.stan"
    program = build(copy)
    assert program.parent == pretended.cache
    assert build("tiny").parent == wheel
    shutil.rmtree(wheel)
    assert build("tiny").parent == pretended.cache
    assert build("tiny") != program


def test_an_edited_include_is_compiled(pretended, wheel, tmp_path):
    include = pretended.include("real s = 7;\n")
    export(tmp_path / "again")
    shutil.rmtree(wheel)
    shutil.move(tmp_path / "again", wheel)
    assert build("tiny").parent == wheel
    include.write_text("real s = 8;\n")
    assert build("tiny").parent == pretended.cache


@pytest.mark.usefixtures("wheel")
@pytest.mark.parametrize("changed", ["flags", "stanc", "driver", "platform"])
def test_other_sources_and_flags_are_compiled(pretended, monkeypatch, tmp_path, changed):
    if changed == "flags":
        monkeypatch.setattr(locate, "flags", lambda *_: ("-std=c++17", "-O1"))
    elif changed == "stanc":
        monkeypatch.setattr(locate, "STANC_FLAGS", ("--O0",))
    elif changed == "platform":
        monkeypatch.setattr("platform.machine", lambda: "another")
    else:
        other = tmp_path / "driver.cpp"
        other.write_text("int main() {}")
        monkeypatch.setattr(packaged, "driver_sources", lambda: [other])
    assert toolchain().kind == "bundled"
    assert build("tiny").parent == pretended.cache


def test_neither_processor_nor_compiler_matter(pretended, wheel, monkeypatch):
    monkeypatch.setattr(BUILD_MODULE, "cpu", lambda: "another processor")
    script = pretended.log.parent / "pretended-g++"
    script.write_text(script.read_text().replace("pretended 1.0", "pretended 2.0"))
    assert build("tiny") == program_of(wheel, "tiny")


def test_a_processor_without_their_instructions_compiles(pretended, wheel, monkeypatch):
    facts = json.loads((wheel / "programs.json").read_text())
    assert facts["processor_flags"] == list(locate.processor_flags())
    facts["processor_flags"] = ["-mavx2", "-mfma"]
    (wheel / "programs.json").write_text(json.dumps(facts))
    monkeypatch.setattr(locate, "processor_flags", lambda: ("-mavx2", "-mfma"))
    assert build("tiny") == program_of(wheel, "tiny")
    monkeypatch.setattr(locate, "processor_flags", tuple)
    assert build("tiny").parent == pretended.cache
    shutil.rmtree(pretended.cache)
    take_compilers_away(monkeypatch)
    with pytest.raises(BackendError, match="need a processor for -mavx2 -mfma"):
        build("tiny")


@pytest.mark.parametrize("fault", ["older C library", "no permission"])
def test_a_program_that_does_not_run_here_is_compiled(pretended, wheel, monkeypatch, fault):
    program = program_of(wheel, "tiny")
    if fault == "no permission":
        program.chmod(0o644)
    else:
        program.write_text(
            "#!/bin/sh\necho 'libc.so.6: version GLIBC_9.99 not found' >&2\nexit 1\n"
        )
    assert build("tiny").parent == pretended.cache
    shutil.rmtree(pretended.cache)
    take_compilers_away(monkeypatch)
    said = {"no permission": "Permission denied", "older C library": r"GLIBC_9\.99 not found"}
    with pytest.raises(BackendError, match=rf"apt-get.*does not run here: .*{said[fault]}"):
        build("tiny")


def test_neither_programs_nor_compiler(pretended, monkeypatch):
    take_compilers_away(monkeypatch)
    with pytest.raises(BackendError, match=r"C\+\+ compiler.*apt-get.*make wheel"):
        build(pretended.template)


def test_the_cmdstan_asked_for_compiles(wheel, monkeypatch, tmp_path):
    folder = tmp_path / "cmdstan-2.38.0"
    folder.mkdir()
    (folder / "makefile").write_text("CMDSTAN_VERSION := 2.38.0\n")
    monkeypatch.setenv("WINSTAN_CMDSTAN", str(folder))
    assert packaged.find(templates.template_path("tiny")) is None
    assert toolchain().kind == "cmdstan"
    # one that merely happens to be installed does not: compiling would take time
    monkeypatch.delenv("WINSTAN_CMDSTAN")
    monkeypatch.setenv("CMDSTAN", str(folder))
    assert toolchain().kind == "wheel"
    assert build("tiny") == program_of(wheel, "tiny")


@pytest.mark.usefixtures("wheel")
def test_programs_need_no_httpstan(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    assert toolchain().kind == "wheel"


def test_export_replaces_its_own_and_nothing_else(pretended, wheel, tmp_path):
    stale = wheel / "gone-0123"
    stale.write_text("of an earlier template")
    assert sorted(export(wheel)) == [program_of(wheel, "small"), program_of(wheel, "tiny")]
    assert not stale.exists()
    precious = tmp_path / "home"
    precious.mkdir()
    (precious / "thesis.tex").write_text("42")
    with pytest.raises(BackendError, match="holds something else"):
        export(precious)
    assert (precious / "thesis.tex").read_text() == "42"
