"""The cache and its errors. The compiler is pretended, except where a program must run."""

from __future__ import annotations

import errno
import importlib.util
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from winstan.errors import BackendError
from winstan.toolchain import build, locate, prebuild, template_path, toolchain
from winstan.toolchain.templates import functions_headers, sources

BUILD_MODULE = sys.modules["winstan.toolchain.build"]  # its function hides its name
BUILD = """
import sys
from winstan.toolchain import build
print(build(sys.argv[1], progress=False))
"""


def start_build(template, **env):
    return subprocess.Popen(
        [sys.executable, "-c", BUILD, str(template)],
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def is_whole(program):
    return subprocess.check_output([program], text=True) == "whole\n"


# ------------------------------------------------------------------ the cache


def test_built_once_and_kept(pretended):
    program = build(pretended.template)
    assert program.parent == pretended.cache
    assert is_whole(program)
    assert sorted(pretended.calls()) == ["out.o", "out.o", "program"]  # driver, model, link
    assert build(pretended.template) == program
    assert len(pretended.calls()) == 3
    assert not list(pretended.cache.glob("*.building"))
    assert [p.name for p in pretended.template.parent.iterdir()] == ["tiny.stan"]


def test_a_models_constructor_is_found_in_what_stanc_writes_and_compiled_as_it_is(tmp_path):
    template, tools = template_path("poisson"), locate.bundled()
    subprocess.run(
        [
            tools.path / "stanc", "--allow-undefined", "--name=poisson_model",
            f"--include-paths={template.parent}", f"--o={tmp_path / 'model.cpp'}", template,
        ],
        check=True,
    )  # fmt: skip
    BUILD_MODULE._mark_what_runs_once(tmp_path)
    assert (tmp_path / "model.cpp").read_text().count("WINSTAN_ONCE poisson_model(") == 1


def test_functions_that_a_template_only_declares_have_headers_beside_its_includes():
    headers = [path.name for path in functions_headers(template_path("one_pass"))]
    assert set(headers) == {"one_pass.hpp", "priors.hpp", "matrices.hpp"}
    assert {f"include/{name}" for name in headers} < set(sources(template_path("one_pass")))


def test_the_driver_is_compiled_once_for_all(pretended):
    build(pretended.template)
    second = pretended.template.with_name("tiny_too.stan")
    second.write_text("parameters { real z; } model { z ~ normal(0, 3); }")
    build(second)
    assert sorted(pretended.calls()) == ["out.o"] * 3 + ["program"] * 2


def test_key_follows_whatever_shapes_the_program(pretended, monkeypatch):
    include = pretended.include("#include include/deeper.stan\n")
    (include.parent / "deeper.stan").write_text("real s = 7;")
    assert list(sources(pretended.template)) == [
        "include/deeper.stan", "include/scale.stan", "tiny.stan",
    ]  # fmt: skip
    programs = [build(pretended.template)]
    (include.parent / "deeper.stan").write_text("real s = 8;")
    programs.append(build(pretended.template))
    pretended.template.write_text(pretended.template.read_text() + "// a remark\n")
    programs.append(build(pretended.template))
    monkeypatch.setattr(locate, "flags", lambda *_: ("-std=c++17", "-O1"))
    programs.append(build(pretended.template))
    monkeypatch.setattr(BUILD_MODULE, "cpu", lambda: "another processor")
    BUILD_MODULE._machinery.cache_clear()
    programs.append(build(pretended.template))
    BUILD_MODULE._machinery.cache_clear()
    assert len(set(programs)) == 5


@pytest.mark.slow
def test_two_processes_build_once(pretended):
    started = [start_build(pretended.template, PRETENDED_SECONDS="1") for _ in range(3)]
    ends = [process.communicate(timeout=60) for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], ends
    assert len({out for out, _ in ends}) == 1
    assert is_whole(ends[0][0].strip())
    assert sorted(pretended.calls()) == ["out.o", "out.o", "program"]


def test_a_killed_build_leaves_a_cache_that_repairs_itself(pretended):
    process = start_build(pretended.template, PRETENDED_SECONDS="5")
    end = time.monotonic() + 30
    while len(pretended.calls()) < 2 and time.monotonic() < end:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert list(pretended.cache.glob("*.building"))  # it was killed half-way
    assert not pretended.programs()
    # what a killed build of another program left is swept too
    stray = pretended.cache / "other-0123.abc.building"
    stray.mkdir()
    assert is_whole(build(pretended.template))
    assert not list(pretended.cache.glob("*.building"))


def test_an_interrupted_build_kills_its_compilers(pretended, tmp_path):
    process = start_build(pretended.template, PRETENDED_SECONDS="30")
    end = time.monotonic() + 30
    while len(pretended.calls()) < 2 and time.monotonic() < end:
        time.sleep(0.05)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=10)
    assert time.monotonic() - began < 5
    assert "KeyboardInterrupt" in said
    assert not list(pretended.cache.glob("*.building"))
    assert not pretended.programs()
    if Path("/proc").exists():
        running = [p.read_bytes() for p in Path("/proc").glob("[0-9]*/cmdline") if readable(p)]
        assert not [line for line in running if str(tmp_path).encode() in line]


def readable(path):
    try:
        path.read_bytes()
    except OSError:
        return False
    return True


def test_prebuild_several_at_once(pretended, monkeypatch, capsys):
    monkeypatch.setenv("PRETENDED_SECONDS", "1")
    templates = [pretended.template.with_name(f"tiny{i}.stan") for i in range(4)]
    for i, template in enumerate(templates):
        template.write_text(f"parameters {{ real x; }} model {{ x ~ normal(0, {i + 2}); }}")
    began = time.monotonic()
    programs = prebuild(templates, jobs=5, progress=True)
    # one by one, the driver and four models take five seconds
    assert time.monotonic() - began < 4
    assert [p.name.split("-")[0] for p in programs] == ["tiny0", "tiny1", "tiny2", "tiny3"]
    assert all(is_whole(p) for p in programs)
    said = capsys.readouterr().err
    assert "compiling driver, tiny0" in said
    assert "compiled tiny0, tiny1, tiny2, tiny3 in" in said


def test_progress_is_silent_when_not_wanted(pretended, capsys):
    build(pretended.template, progress=False)
    assert capsys.readouterr() == ("", "")


# ------------------------------------------------------------------ errors and remedies


@pytest.mark.parametrize(
    ("system", "remedy"),
    [("Linux", r"apt-get install g\+\+"), ("Darwin", "xcode-select --install")],
)
def test_no_compiler(pretended, monkeypatch, tmp_path, system, remedy):
    monkeypatch.delenv("CXX")
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setattr(platform, "system", lambda: system)
    with pytest.raises(BackendError, match=rf"C\+\+ compiler.*{remedy}"):
        build(pretended.template)


def test_a_compiler_that_was_asked_for_is_not_replaced(pretended, monkeypatch, tmp_path):
    monkeypatch.setenv("CXX", str(tmp_path / "no-such-g++"))
    with pytest.raises(BackendError, match=r"CXX names .*no-such-g\+\+.*unset"):
        build(pretended.template)


def test_a_compiler_that_does_not_work(pretended, monkeypatch, tmp_path):
    broken = tmp_path / "broken-g++"
    broken.write_text("#!/bin/sh\necho 'no developer tools' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("CXX", str(broken))
    with pytest.raises(BackendError, match="does not work: no developer tools"):
        build(pretended.template)


def test_no_httpstan(pretended, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(BackendError, match="pip install httpstan"):
        build(pretended.template)


def test_a_cache_that_cannot_be_written(pretended, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        monkeypatch.setenv("WINSTAN_CACHE", str(place))
        with pytest.raises(BackendError, match=r"cannot write.*file.*WINSTAN_CACHE"):
            build(pretended.template)


def test_no_permission(pretended, monkeypatch):
    def forbidden(*_args, **_options):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(tempfile, "mkdtemp", forbidden)
    with pytest.raises(BackendError, match=r"Permission denied.*WINSTAN_CACHE"):
        build(pretended.template)


@pytest.mark.parametrize("who", ["we", "the compiler"])
def test_a_full_disk(pretended, monkeypatch, who):
    def full(*_args, **_options):
        raise OSError(errno.ENOSPC, "No space left on device")

    if who == "we":
        monkeypatch.setattr(tempfile, "mkdtemp", full)
    else:
        monkeypatch.setenv("PRETENDED_ERROR", "fatal error: out.o: No space left on device")
    with pytest.raises(BackendError, match=r"disk is full.*WINSTAN_CACHE"):
        build(pretended.template)
    assert not pretended.programs()
    assert not list(pretended.cache.glob("*.building"))
    monkeypatch.undo()


def test_a_failing_compiler_is_quoted(pretended, monkeypatch):
    monkeypatch.setenv("PRETENDED_ERROR", "model.cpp:7: error: no such type")
    with pytest.raises(BackendError, match=r"(?s)exit code 1.*no such type"):
        build(pretended.template)
    monkeypatch.setenv("PRETENDED_ERROR", "g++: fatal error: Killed signal terminated program")
    with pytest.raises(BackendError, match=r"want of memory.*jobs=1"):
        build(pretended.template)
    monkeypatch.delenv("PRETENDED_ERROR")
    assert is_whole(build(pretended.template))


def test_a_wrong_program_is_shown_by_stanc(pretended):
    pretended.template.write_text("parameters { real x; }\nmodel { x ~ normall(0, 7); }")
    with pytest.raises(BackendError, match=r"(?s)cannot read tiny.stan.*line 2.*normall"):
        build(pretended.template)
    assert pretended.calls() in ([], ["out.o"])  # the driver's, begun beside it
    assert not pretended.programs()


def test_unknown_templates(tmp_path):
    with pytest.raises(BackendError, match="Did you mean 'gamma'"):
        template_path("gama")
    with pytest.raises(BackendError, match="no Stan program at"):
        template_path(tmp_path / "gone.stan")
    lost = tmp_path / "lost.stan"
    lost.write_text("#include include/gone.stan\n")
    with pytest.raises(BackendError, match=r"lost.stan includes 'include/gone.stan'"):
        sources(lost)


def test_packaged_templates_are_found():
    path = template_path("gamma")
    assert path.name == "gamma.stan"
    assert all(len(text) > 0 for text in sources(path).values())


# ------------------------------------------------------------------ the choice of Stan


@pytest.fixture
def cmdstan(tmp_path):
    """Return a folder that looks like CmdStan; its `make` writes a script as the program."""
    folder = tmp_path / "cmdstan-2.38.0"
    (folder / "bin").mkdir(parents=True)
    spec = importlib.util.find_spec("httpstan")
    (folder / "bin" / "stanc").symlink_to(Path(spec.origin).parent / "stanc")
    (folder / "makefile").write_text(
        "CMDSTAN_VERSION := 2.38.0\n"
        "%: %.stan\n"
        "\ttest $(STAN_THREADS) = true\n"
        "\tprintf '#!/bin/sh\\necho whole\\n' > $@ && chmod +x $@\n"
    )
    return folder


def test_bundled_unless_there_is_a_cmdstan(pretended, monkeypatch, cmdstan):
    monkeypatch.delenv("WINSTAN_CMDSTAN")
    monkeypatch.setenv("CMDSTAN", str(cmdstan))  # where cmdstanpy looks first
    assert (toolchain().kind, toolchain().path) == ("cmdstan", cmdstan.resolve())
    assert toolchain().stan == "2.38"
    makefile = cmdstan / "makefile"
    makefile.write_text(makefile.read_text().replace("2.38", "2.36"))
    assert toolchain().kind == "bundled"
    makefile.write_text(makefile.read_text().replace("2.36", "2.37"))
    assert toolchain().kind == "cmdstan"
    monkeypatch.setenv("WINSTAN_CMDSTAN", "bundled")
    assert toolchain().kind == "bundled"
    assert "httpstan" in repr(toolchain())
    assert str(pretended.cache) in repr(toolchain())


def test_the_cmdstan_asked_for(pretended, monkeypatch, cmdstan, tmp_path):
    monkeypatch.setenv("WINSTAN_CMDSTAN", str(cmdstan))
    assert toolchain().kind == "cmdstan"
    makefile = cmdstan / "makefile"
    makefile.write_text(makefile.read_text().replace("2.38", "2.36"))
    with pytest.raises(BackendError, match=r"2\.36.*too old.*2\.37.*WINSTAN_CMDSTAN=bundled"):
        build(pretended.template)
    monkeypatch.setenv("WINSTAN_CMDSTAN", str(tmp_path))
    with pytest.raises(BackendError, match="no CmdStan folder"):
        toolchain()


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
@pytest.mark.slow
def test_cmdstan_compiles_a_copy(pretended, monkeypatch, cmdstan):
    monkeypatch.setenv("WINSTAN_CMDSTAN", str(cmdstan))
    pretended.include("real s = 7;\n")
    before = sorted(pretended.template.parent.rglob("*"))
    program = build(pretended.template)
    assert is_whole(program)
    assert program.parent == pretended.cache
    assert sorted(pretended.template.parent.rglob("*")) == before
    assert pretended.calls() == []
    assert not list(pretended.cache.glob("*.building"))
