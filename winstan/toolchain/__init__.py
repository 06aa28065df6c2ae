"""From a Stan template to draws: find a compiler, build once, run fast.

`toolchain` says what builds the programs, `build` gives the executable of a template, `sample` and
`log_density` run it. Nothing here knows of formulas or families.
"""

from winstan.toolchain.build import build, prebuild
from winstan.toolchain.locate import Toolchain
from winstan.toolchain.packaged import toolchain
from winstan.toolchain.run import log_density, sample
from winstan.toolchain.stancsv import RawDraws
from winstan.toolchain.templates import template_names, template_path

__all__ = [
    "RawDraws",
    "Toolchain",
    "build",
    "log_density",
    "prebuild",
    "sample",
    "template_names",
    "template_path",
    "toolchain",
]
