"""What programs read of Stan Math: less than the whole, and no function by half."""

from __future__ import annotations

import re
import subprocess

import pytest

from winstan.toolchain.locate import bundled
from winstan.toolchain.templates import driver_sources, light_model

FUNCTION = re.compile(r"stan/math/(rev|prim)/((?:fun|functor|constraint)/\w+)\.hpp")


def functions_read(*source):
    """Return the functions whose headers a compiler reads, general and for autodiff variables."""
    tools = bundled()
    command = [tools.compiler, *tools.flags, "-I", str(tools.path / "include"), "-M", *source]
    read = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout
    found = FUNCTION.findall(read)
    return {name for part, name in found if part == "prim"}, {
        name for part, name in found if part == "rev"
    }


@pytest.fixture(scope="module", params=["driver", "template"])
def read(request, tmp_path_factory):
    if request.param == "driver":
        return functions_read(str(driver_sources()[0]))
    model = tmp_path_factory.mktemp("light") / "model.cpp"
    model.write_text("#include <stan/model/model_header.hpp>\n")
    return functions_read("-DWINSTAN_TEMPLATE", "-include", str(light_model()), str(model))


@pytest.mark.slow
def test_where_a_function_is_read_its_derivatives_are(read):
    # Without them the general text compiles too: each operation a node of its own, several times
    # slower. That no other test would see.
    general, differentiable = read
    folder = bundled().path / "include/stan/math/rev"
    own = {str(path.relative_to(folder).with_suffix("")) for path in folder.glob("*/*.hpp")}
    named = {"multiply", "csr_matrix_times_vector", "dot_product", "lgamma"}
    assert {f"fun/{name}" for name in named} <= general & own
    assert not (general & own) - differentiable


def test_what_no_template_calls_is_not_read(read):
    for functions in read:
        assert not {"fun/bessel_first_kind", "fun/matrix_exp", "fun/gp_exp_quad_cov"} & functions
