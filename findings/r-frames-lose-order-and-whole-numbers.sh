#!/bin/sh
# pyreadr 0.5.8, rdata 1.1.0: a data frame of R, by two readers.
#
# The file is written here byte by byte as R's serialize() writes it (XDR, version 2), for no writer of
# Python's makes an ordered factor: data.frame(dose = an ordered factor, n = c(1L, NA, 3L), id = an
# integer64, y = c(0.5, 1.5, 2.5)).
# One would guess that both readers give the same columns.
# Seen:  the levels of the factor are in order in both; pyreadr loses that they are ordered; n is an
#        object with pyreadr and a nullable Int32 with rdata; an integer64 is a double next to zero with
#        both, .view("int64") has it; rows are numbered from 0 with pyreadr and from 1 with rdata, so
#        that a column of one put beside those of the other is shifted by a row.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=$(command -v python3.13 || command -v python3)
"$python" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q pyreadr==0.5.8 rdata==1.1.0 pandas==3.1.1
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'CODE'
import gzip
from pathlib import Path
from struct import pack

import numpy as np
import pyreadr
import rdata


def char(text):
    return pack(">ii", 0x00040009, len(text)) + text.encode()


def vector(kind, values, **attributes):
    flags = kind | (0x200 if attributes else 0) | (0x100 if "class" in attributes else 0)
    codes = {13: ">i", 14: ">d"}
    body = b"".join(
        char(v) if kind == 16 else v if kind == 19 else pack(codes[kind], v) for v in values
    )
    tail = b"".join(
        pack(">ii", 0x402, 1) + char(name.replace("_", ".")) + value
        for name, value in attributes.items()
    )
    return pack(">ii", flags, len(values)) + body + (tail + pack(">i", 254) if attributes else b"")


def strings(*texts):
    return vector(16, texts)


NA = -(2**31)
whole = [(1 << 53) + 1, 2, 3]
as_double = np.array(whole, dtype="int64").view("float64").tolist()
dose = vector(13, [2, 1, 3], levels=strings("none", "low", "high"),
              **{"class": strings("ordered", "factor")})
ids = vector(14, as_double, **{"class": strings("integer64")})
columns = [dose, vector(13, [1, NA, 3]), ids, vector(14, [0.5, 1.5, 2.5])]
frame = vector(19, columns, names=strings("dose", "n", "id", "y"),
               **{"class": strings("data.frame"), "row_names": vector(13, [NA, -3])})
Path("a.rds").write_bytes(gzip.compress(b"X\n" + pack(">iii", 2, 0x00030602, 0x00020300) + frame))
one = pyreadr.read_r("a.rds")[None]
two = rdata.read_rds("a.rds")
print("pyreadr:", one.dtypes.to_dict(), one.index.tolist(), one["dose"].cat.ordered)
print("rdata:", two.dtypes.to_dict(), two.index.tolist(), two["dose"].cat.ordered)
for read in (one, two):
    assert list(read["dose"].cat.categories) == ["none", "low", "high"]
    assert read["dose"].astype(str).tolist() == ["low", "none", "high"]
    assert abs(read["id"].iloc[1]) < 1e-300
    assert read["id"].to_numpy().view("int64").tolist() == whole
assert not one["dose"].cat.ordered
assert two["dose"].cat.ordered
assert one["n"].dtype == object
assert one["n"].astype(float).isna().sum() == 1
assert str(two["n"].dtype) == "Int32"
assert one.index.tolist() == [0, 1, 2]
assert two.index.tolist() == [1, 2, 3]
assert two.assign(y=one["y"])["y"].isna().sum() == 1
assert two.reset_index(drop=True).assign(y=one["y"])["y"].notna().all()
CODE
