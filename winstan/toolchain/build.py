"""Templates into programs: compiled once per machine, kept in the cache under their content."""

from __future__ import annotations

import contextlib
import functools
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from winstan.errors import BackendError
from winstan.progress import ProgressLine, duration
from winstan.toolchain.cache import digest, explained, locked, publish, sweep, workshop
from winstan.toolchain.jobs import Job, run_jobs
from winstan.toolchain.locate import Toolchain, compiling, cpu, processors
from winstan.toolchain.packaged import find, why_not
from winstan.toolchain.templates import (
    driver_sources,
    functions_headers,
    include_folders,
    is_packaged,
    light_model,
    sources,
    template_path,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

# Compiling needs up to 2 GB, hence no more at once than this unless asked for.
_DEFAULT_JOBS = 4

# g++ looks for memory to free every few megabytes; from 1 GB on it is faster, for 0.4 GB more
_SELDOM_COLLECTED = ("--param", "ggc-min-heapsize=1000000")

# Nobody reads the names of functions, a good part of a program. Apple's linker has no such option.
_STRIP = () if sys.platform == "darwin" else ("-Wl,-s",)

# As stanc writes a model's constructor; WINSTAN_ONCE is light_model.hpp's
_CONSTRUCTOR = re.compile(r"^( *)(\w+_model\(stan::io::var_context& )", re.MULTILINE)

_WITH_CMDSTAN = """
import sys, cmdstanpy
cmdstanpy.set_cmdstan_path(sys.argv[1])
cmdstanpy.compile_stan_file(
    sys.argv[2],
    cpp_options={"STAN_THREADS": "true"},
    stanc_options={"include-paths": [sys.argv[3]]},
    user_header=sys.argv[4] if len(sys.argv) > 4 else None,
)
"""


@dataclass(frozen=True, slots=True)
class Program:
    """A program to be: its sources and its place in the cache."""

    template: Path
    texts: dict[str, bytes]
    entry: str
    path: Path

    @property
    def name(self) -> str:
        """The template's name."""
        return self.template.stem


def build(template: Path | str, *, progress: bool | None = None) -> Path:
    """Return the executable of a template: from the wheel, or compiled once on this machine.

    Parameters
    ----------
    template
        The name of a packaged template (``"gamma"``), or the path of a ``.stan`` file. Its
        includes are looked up from its folder, and then from that of winstan's own templates.
        Nothing is ever written beside it.
    progress
        Whether to show a line on stderr; None shows it in terminals and notebooks.

    Raises
    ------
    BackendError
        If there is no compiler, no Stan or no such template, if the program is wrong, or if the
        cache cannot be written.
    """
    return prebuild([template], progress=progress)[0]


def prebuild(
    templates: Iterable[Path | str], *, jobs: int | None = None, progress: bool | None = None
) -> list[Path]:
    """Return the executables of several templates, compiling what is missing side by side.

    Parameters
    ----------
    templates
        Names or paths, as in `build`.
    jobs
        How many compilers may run at once (up to 2 GB each); by default one per processor, at
        most four.
    progress
        As in `build`.
    """
    paths = [template_path(template) for template in templates]
    ready = {path: find(path) for path in paths}
    rest = [path for path in paths if ready[path] is None]
    if rest:
        ready |= dict(
            zip(rest, compiled(_compiler_for(rest[0]), rest, jobs, progress), strict=True)
        )
    return [program for path in paths if (program := ready[path])]


def _compiler_for(template: Path) -> Toolchain:
    """Return what compiles, or say why the wheel's programs do not spare it."""
    try:
        return compiling()
    except BackendError as problem:
        raise BackendError(f"{problem} {why_not(template)}") from problem


def compiled(
    tools: Toolchain, templates: Iterable[Path], jobs: int | None, progress: bool | None
) -> list[Path]:
    """Return the programs of the cache, compiling what is missing."""
    programs = [_plan(tools, template) for template in templates]
    missing = {p.entry: p for p in programs if not p.path.exists()}
    if missing:
        with explained(tools.cache), ProgressLine(progress) as line:
            tools.cache.mkdir(parents=True, exist_ok=True)
            _build_missing(tools, missing, jobs or min(processors(), _DEFAULT_JOBS), line)
    return [p.path for p in programs]


def _plan(tools: Toolchain, template: Path) -> Program:
    texts = sources(template)
    own = str(is_packaged(template))
    key = digest(_machinery(tools), own, *(part for item in texts.items() for part in item))
    entry = f"{_plain(template.stem)}-{key}"
    return Program(template, texts, entry, tools.cache / entry)


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]", "_", name)


@functools.cache
def _machinery(tools: Toolchain) -> str:
    """Return the digest of all that shapes a program beside its own text.

    Not the place of httpstan: a program serves every environment with the same versions.
    """
    place = str(tools.path) if tools.kind == "cmdstan" else ""
    return digest(
        tools.kind, place, tools.stan, tools.compiler, tools.compiler_version,
        *tools.flags, "|", *tools.stanc_flags, cpu(),
        *(path.read_bytes() for path in driver_sources()),
    )  # fmt: skip


def _build_missing(
    tools: Toolchain, missing: dict[str, Program], limit: int, line: ProgressLine
) -> None:
    """Build under the locks of all that is missing, freeing each as soon as it is in the cache."""
    with contextlib.ExitStack() as every:
        held: dict[str, contextlib.ExitStack] = {}
        for entry in sorted(missing):  # one order for all processes: no two wait for each other
            held[entry] = every.enter_context(contextlib.ExitStack())

            def waiting(name: str = missing[entry].name) -> None:
                line.show(f"{name}: another process compiles it ({duration(line.elapsed)})")

            held[entry].enter_context(locked(tools.cache, entry, waiting))
        programs = [missing[entry] for entry in held if not missing[entry].path.exists()]
        if not programs:
            return
        sweep(tools.cache)
        make = _make_bundled if tools.kind == "bundled" else _make_with_cmdstan
        make(tools, programs, held, limit, line)
        line.keep(f"compiled {_listed(programs)} in {duration(line.elapsed)}, kept for later runs")


def _listed(programs: list[Program]) -> str:
    return ", ".join(p.name for p in programs)


def _make_bundled(
    tools: Toolchain,
    programs: list[Program],
    held: dict[str, contextlib.ExitStack],
    limit: int,
    line: ProgressLine,
) -> None:
    """Compile the driver (if need be) and the templates side by side, then link."""
    cache = tools.cache
    sooner = () if "clang" in tools.compiler_version else _SELDOM_COLLECTED
    include = ("-I", str(tools.path / "include"))
    compile_ = [tools.compiler, *tools.flags, *sooner, *include, "-c"]
    driver = cache / f"driver-{_machinery(tools)}.o"
    libraries = share_libraries(tools)
    with contextlib.ExitStack() as stack:
        jobs: list[Job] = []
        if not driver.exists():
            stack.enter_context(
                locked(cache, driver.stem, lambda: line.show("another process compiles the driver"))
            )
        if not driver.exists():
            folder = stack.enter_context(workshop(cache, driver.stem))
            command = [*compile_, str(driver_sources()[0]), "-o", str(folder / "out.o")]
            jobs.append(Job("driver", command, folder))
        shop: dict[str, tuple[Program, Path]] = {}
        for program in programs:
            folder = stack.enter_context(workshop(cache, program.entry))
            own = is_packaged(program.template)
            before = [light_model(), *functions_headers(program.template)]
            command = [
                *compile_, *(["-DWINSTAN_TEMPLATE"] if own else []),
                *(part for header in before for part in ("-include", str(header))),
                str(folder / "model.cpp"), "-o", str(folder / "out.o"),
            ]  # fmt: skip
            model = Job(
                program.name,
                command,
                folder,
                before=functools.partial(_mark_what_runs_once, folder),
            )
            jobs.append(_translation(tools, program, model))
            shop[str(folder)] = (program, folder)

        waiting: list[Job] = []
        results = stack.enter_context(
            contextlib.closing(run_jobs(jobs, limit, line, "compiling", cache))
        )
        for done in results:
            if done.label == "driver" and str(done.folder) not in shop:
                publish(done.folder / "out.o", driver)
            else:
                waiting.append(done)
            while waiting and driver.exists():
                program, folder = shop[str(waiting.pop().folder)]
                _link(tools, folder, driver, libraries)
                publish(folder / "program", program.path)
                held[program.entry].close()


def _translation(tools: Toolchain, program: Program, then: Job) -> Job:
    """Stan into C++, which takes its optimiser ten seconds, and then `then`."""
    command = [
        str(tools.path / "stanc"), *tools.stanc_flags,
        *(["--allow-undefined"] if functions_headers(program.template) else []),
        f"--name={_plain(program.name)}_model",
        f"--include-paths={','.join(map(str, include_folders(program.template)))}",
        f"--filename-in-msg={program.template.name}", f"--o={then.folder / 'model.cpp'}",
        str(program.template),
    ]  # fmt: skip
    complaint = f"Stan cannot read {program.template.name}"
    return Job(program.name, command, then.folder, then, complaint)


def _mark_what_runs_once(folder: Path) -> None:
    """Have a model's constructor compiled as it is: it reads the data, is long, and runs once."""
    model = folder / "model.cpp"
    text = model.read_text(encoding="utf-8")
    model.write_text(_CONSTRUCTOR.sub(r"\1WINSTAN_ONCE \2", text, count=1), encoding="utf-8")


def _link(tools: Toolchain, folder: Path, driver: Path, libraries: Path) -> None:
    """Link the model with the driver; the libraries are found beside the program, in the cache."""
    origin = "@loader_path" if sys.platform == "darwin" else "$ORIGIN"
    solvers = [f"-lsundials_{part}" for part in ("cvodes", "idas", "kinsol", "nvecserial")]
    command = [
        tools.compiler, str(folder / "out.o"), str(driver), "-o", str(folder / "program"),
        "-L", str(tools.path / "lib"), *solvers, "-ltbb", "-lpthread", *_STRIP,
        f"-Wl,-rpath,{origin}/{libraries.name}",
    ]  # fmt: skip
    with ProgressLine(wanted=False) as quiet:
        list(run_jobs([Job("program", command, folder)], 1, quiet, "linking", tools.cache))


def share_libraries(tools: Toolchain) -> Path:
    """Copy TBB into the cache, so that programs outlive the environment that compiled them."""
    # One file under several names: programs ask for the longest
    by_content = {f.read_bytes(): f for f in sorted((tools.path / "lib").glob("libtbb*"))}
    found = list(by_content.values())
    key = digest(tools.stan, *(part for f in found for part in (f.name, f.read_bytes())))
    shared = tools.cache / f"tbb-{key}"
    if not shared.is_dir():
        with (
            locked(tools.cache, shared.name, lambda: None),
            workshop(tools.cache, shared.name) as folder,
        ):
            if not shared.is_dir():
                inner = folder / "lib"
                inner.mkdir()
                for library in found:
                    shutil.copy2(library, inner / library.name)
                publish(inner, shared)
    return shared


def _make_with_cmdstan(
    tools: Toolchain,
    programs: list[Program],
    held: dict[str, contextlib.ExitStack],
    limit: int,
    line: ProgressLine,
) -> None:
    """Let cmdstanpy compile copies of the templates with an installed CmdStan."""
    with contextlib.ExitStack() as stack:
        jobs, owner = [], {}
        for program in programs:
            folder = stack.enter_context(workshop(tools.cache, program.entry))
            for name, text in program.texts.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(text)
            copy = folder / program.template.name
            command = [sys.executable, "-c", _WITH_CMDSTAN, str(tools.path), str(copy), str(folder)]
            if headers := functions_headers(program.template):
                functions = folder / "functions.hpp"
                lines = [f'#include "include/{header.name}"\n' for header in headers]
                functions.write_text("".join(lines), encoding="utf-8")
                command.append(str(functions))
            jobs.append(Job(program.name, command, folder))
            owner[str(folder)] = program
        results = stack.enter_context(
            contextlib.closing(run_jobs(jobs, limit, line, "compiling", tools.cache))
        )
        for done in results:
            program = owner[str(done.folder)]
            publish(done.folder / program.name, program.path)
            held[program.entry].close()
