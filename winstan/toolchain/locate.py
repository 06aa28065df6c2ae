"""Which Stan and which compiler build the programs on this machine."""

from __future__ import annotations

import functools
import importlib.util
import os
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import platformdirs

from winstan.errors import BackendError
from winstan.toolchain.silence import quiet_cmdstanpy

OLDEST_CMDSTAN = (2, 37)


@dataclass(frozen=True, slots=True)
class Toolchain:
    """What turns a template into a program.

    Parameters
    ----------
    kind
        ``"wheel"``: the installed wheel brought the programs, compiled where it was made;
        ``"bundled"``: the headers and stanc of the httpstan package with winstan's own driver;
        ``"cmdstan"``: an installed CmdStan.
    path
        The folder of the wheel's programs, of httpstan or of CmdStan.
    stan
        The version of Stan.
    compiler
        The C++ compiler's command.
    compiler_version
        The first line of what it says of itself.
    flags
        Given to the C++ compiler.
    stanc_flags
        Given to the Stan compiler.
    cache
        The folder that keeps what is compiled on this machine.
    """

    kind: Literal["wheel", "bundled", "cmdstan"]
    path: Path
    stan: str
    compiler: str
    compiler_version: str
    flags: tuple[str, ...]
    stanc_flags: tuple[str, ...]
    cache: Path

    def __repr__(self) -> str:
        """Return one line per fact."""
        source = {
            "wheel": "programs compiled into the wheel",
            "bundled": "bundled with httpstan",
            "cmdstan": "CmdStan",
        }[self.kind]
        others = "other programs" if self.kind == "wheel" else "programs"
        return "\n".join(
            [
                f"Stan {self.stan}, {source}, in {self.path}",
                f"compiler {self.compiler}: {self.compiler_version}",
                f"flags {' '.join(self.flags)}; stanc {' '.join(self.stanc_flags) or '(none)'}",
                f"{others} in {self.cache}",
            ]
        )


def compiling() -> Toolchain:
    """Return what compiles programs on this machine.

    The environment variable ``WINSTAN_CMDSTAN`` chooses: the folder of a CmdStan, or ``bundled``.
    Without it, a CmdStan that cmdstanpy finds is used if it is recent enough.

    Raises
    ------
    BackendError
        If there is no C++ compiler, no Stan, or the CmdStan asked for is missing or too old.
    """
    wanted = cmdstan_asked_for()
    if wanted is not None:
        return _with_cmdstan(wanted, asked_for=True)
    if os.environ.get("WINSTAN_CMDSTAN", "").strip() != "bundled":
        found = _cmdstan_of_cmdstanpy()
        if found is not None and cmdstan_version(found) >= OLDEST_CMDSTAN:
            return _with_cmdstan(found, asked_for=False)
    return bundled()


def cmdstan_asked_for() -> Path | None:
    """Return the CmdStan that ``WINSTAN_CMDSTAN`` names, if it names one."""
    wanted = os.environ.get("WINSTAN_CMDSTAN", "").strip()
    return Path(wanted).expanduser() if wanted not in {"", "bundled"} else None


def cache_folder() -> Path:
    """Return the folder of compiled programs: ``WINSTAN_CACHE``, or the user's cache folder."""
    asked = os.environ.get("WINSTAN_CACHE", "").strip()
    return Path(asked).expanduser() if asked else Path(platformdirs.user_cache_dir("winstan"))


def cmdstan_version(folder: Path) -> tuple[int, int]:
    """Return (major, minor) of a CmdStan folder, (0, 0) if it is not one."""
    try:
        text = (folder / "makefile").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return (0, 0)
    found = re.search(r"^CMDSTAN_VERSION\s*:?=\s*(\d+)\.(\d+)", text, re.MULTILINE)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def cpu() -> str:
    """Return what programs built for this very processor depend on."""
    features = ""
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
            for line in lines:
                if line.startswith(("model name", "flags", "Features")):
                    features += line
                if not line.strip():  # the first processor's block suffices
                    break
    except OSError:
        features = platform.processor()
    return f"{platform.system()} {platform.machine()} {features}"


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _cmdstan_of_cmdstanpy() -> Path | None:
    with quiet_cmdstanpy() as cmdstanpy:
        try:
            return Path(cmdstanpy.cmdstan_path())
        except ValueError:
            return None


def _with_cmdstan(folder: Path, *, asked_for: bool) -> Toolchain:
    version = cmdstan_version(folder)
    if asked_for and version == (0, 0):
        raise BackendError(
            f"WINSTAN_CMDSTAN names {str(folder)!r}, which is no CmdStan folder (it has no makefile"
            " with a CMDSTAN_VERSION). Set it to a CmdStan folder, or to 'bundled'."
        )
    if version < OLDEST_CMDSTAN:
        raise BackendError(
            f"CmdStan {version[0]}.{version[1]} in {str(folder)!r} is too old: winstan's templates"
            f" need {OLDEST_CMDSTAN[0]}.{OLDEST_CMDSTAN[1]} or newer. Update it with"
            " `install_cmdstan`, or set WINSTAN_CMDSTAN=bundled to use the Stan in httpstan."
        )
    compiler = _compiler()
    return Toolchain(
        kind="cmdstan",
        path=folder.resolve(),
        stan=f"{version[0]}.{version[1]}",
        compiler=compiler,
        compiler_version=_compiler_version(compiler),
        flags=("STAN_THREADS=true",),
        stanc_flags=(),
        cache=cache_folder(),
    )


def bundled() -> Toolchain:
    """Return the Stan of the httpstan package.

    Raises
    ------
    BackendError
        If it or a compiler is missing.
    """
    spec = importlib.util.find_spec("httpstan")
    if spec is None or spec.origin is None:
        raise BackendError(
            "backend='stan' needs Stan: pip install httpstan (Linux and macOS), or install CmdStan"
            " with cmdstanpy's `install_cmdstan`; or use backend='pymc'."
        )
    folder = Path(spec.origin).parent
    compiler = _compiler()
    return Toolchain(
        kind="bundled",
        path=folder,
        stan=_header_version(folder),
        compiler=compiler,
        compiler_version=_compiler_version(compiler),
        flags=flags(*processor_flags()),
        stanc_flags=STANC_FLAGS,
        cache=cache_folder(),
    )


# --O1 also keeps values and derivatives of a vector in one piece each, where the templates let it:
# Eigen's vector instructions then serve (exp and log four at a time with AVX2; VerbAgg's 7,584
# cells: 9.3 s where plain x86-64 takes 12.4 s).
STANC_FLAGS = ("--O1",)
_WANTED_FEATURES = {"avx2": "-mavx2", "fma": "-mfma"}


def flags(*processor: str) -> tuple[str, ...]:
    """Return what the C++ compiler is given for programs with winstan's own driver."""
    common = (
        "-std=c++17",
        "-O3",
        "-D_REENTRANT",
        "-DSTAN_THREADS",
        "-DBOOST_DISABLE_ASSERTS",
        "-DEIGEN_NO_DEBUG",  # Stan checks sizes and indices itself
        "-Wno-sign-compare",
        "-Wno-ignored-attributes",
        *processor,
    )
    # httpstan's libraries for Linux are built with the older string layout of libstdc++
    return (*common, "-D_GLIBCXX_USE_CXX11_ABI=0") if platform.system() == "Linux" else common


@functools.cache
def processor_flags() -> tuple[str, ...]:
    """Return the C++ compiler's flags for vector instructions, if this processor has them."""
    if platform.machine().lower() not in {"x86_64", "amd64"}:
        return ()
    has = set(cpu().split())
    return tuple(_WANTED_FEATURES.values()) if has.issuperset(_WANTED_FEATURES) else ()


@functools.cache
def _header_version(folder: Path) -> str:
    try:
        text = (folder / "include" / "stan" / "version.hpp").read_text(encoding="utf-8")
    except OSError:
        raise BackendError(
            f"The httpstan package in {str(folder)!r} lacks Stan's headers. Reinstall it:"
            " `pip install --force-reinstall httpstan`."
        ) from None
    from importlib import metadata  # noqa: PLC0415 - it loads a mail reader

    numbers = re.findall(r"#define STAN_(?:MAJOR|MINOR|PATCH) (\d+)", text)
    return f"{'.'.join(numbers)} (httpstan {metadata.version('httpstan')})"


def _compiler() -> str:
    asked = os.environ.get("CXX", "").split()[:1]
    # A compiler that was asked for is not replaced in silence.
    for name in asked or ["g++", "clang++", "c++"]:
        path = shutil.which(name)
        if path is not None:
            return path
    remedy = {
        "Darwin": "`xcode-select --install` installs one.",
        "Linux": "`apt-get install g++` installs one on Debian and Ubuntu, `dnf install gcc-c++`"
        " on Fedora, `conda install cxx-compiler` in conda.",
    }.get(platform.system(), "Install g++ or clang++.")
    if asked:
        raise BackendError(
            f"The environment variable CXX names the C++ compiler {asked[0]!r}, which is not there."
            " Mend or unset it."
        )
    raise BackendError(f"Stan needs a C++ compiler, and there is none. {remedy}")


@functools.cache
def _compiler_version(compiler: str) -> str:
    try:
        said = subprocess.run(
            [compiler, "--version"], capture_output=True, text=True, check=False, timeout=60
        )
    except OSError as problem:
        raise BackendError(f"The C++ compiler {compiler} cannot be run: {problem}.") from problem
    if said.returncode != 0 or not said.stdout.strip():
        # macOS answers so where the command-line tools are missing
        raise BackendError(
            f"The C++ compiler {compiler} does not work: {said.stderr.strip() or 'no answer'}."
            " On macOS, `xcode-select --install` mends this."
        )
    return said.stdout.splitlines()[0].strip()
