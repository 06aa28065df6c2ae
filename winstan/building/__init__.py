"""Building the model: from formula and data through every stage up to the `Model`.

`reading` takes what is asked of which data, `stages` runs the stages in order: `statement` is what
the data say under the formula and family, with `centering` and priors; `problem` is that of the
approximate fit; `sampling` says how coefficients and effects are sampled or integrated out.
"""

from winstan.building.reading import ModelOptions, read_inputs
from winstan.building.stages import build_model, model_and_frame, model_of, refit_model

__all__ = [
    "ModelOptions",
    "build_model",
    "model_and_frame",
    "model_of",
    "read_inputs",
    "refit_model",
]
