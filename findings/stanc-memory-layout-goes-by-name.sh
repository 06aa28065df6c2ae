#!/usr/bin/env bash
# stanc 2.39.0 (of httpstan 4.17.0), --O1: which vectors may lie in one piece is decided by their names,
# whatever block they are of.
#
# One would guess that a local vector in a block of its own, filled element by element, is kept as
# single numbers ("AoS") and leaves the model's other vectors in one piece ("SoA"). It does, unless a
# vector of another block has its name: then that one, and the parameters that it is made of, are single
# numbers too, and the long matrix product is differentiated number by number. The density is the same.
#
# Seen, of `vector[N] w = X * b`: beside a local `v` b: SoA, w: SoA; beside a local `w` both AoS.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$(command -v python3.13 || command -v python3)" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q httpstan==4.17.0
stanc=$("$folder/venv/bin/python" -c "import httpstan; print(httpstan.__path__[0])")/stanc
"$stanc" --version
cd "$folder"
for name in v w; do
  cat > "$name.stan" <<CASE
data {
  int N;
  vector[N] y;
  matrix[N, 3] X;
  array[2] int at;
}
parameters {
  vector[3] b;
  vector[2] z;
}
model {
  {
    vector[2] $name;
    for (i in 1:2) $name[at[i]] = z[i] * 2;
    target += -sum(square($name));
  }
  vector[N] w = X * b;
  target += normal_lpdf(y | w, 1);
}
CASE
  "$stanc" --O1 --debug-mem-patterns --o=out.hpp "$name.stan" > "$name.txt" 2>&1
  echo "local $name: $(grep -E '^vector\[(3|N)\]' "$name.txt" | tr '\n' ' ')"
done
grep -q '^vector\[3\] b: SoA' v.txt
grep -q '^vector\[N\] w: SoA' v.txt
grep -q '^vector\[3\] b: AoS' w.txt
grep -q '^vector\[N\] w: AoS' w.txt
