#!/usr/bin/env bash
# Stan 2.39 (stanc and Stan Math of httpstan 4.17.0): rep_matrix() of a row_vector of parameters,
# optimised, repeats the elements in another order.
#
# Each row of rep_matrix(row, 3) is `row`, and to_vector() goes down its columns: of the sds (2, 3)
# that is 2, 2, 2, 3, 3, 3. With stanc's --O1, which promises the same program, it is 2, 3, 2, 3, 2, 3,
# and the density is another; nothing is said.
#
# Seen:
#   stanc3 v2.39.0 (Unix)
#   without: 333222
#   --O1:    323232
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$(command -v python3.13 || command -v python3)" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q httpstan==4.17.0
stan=$("$folder/venv/bin/python" -c "import httpstan; print(httpstan.__path__[0])")
cd "$folder"
cat > rows.stan <<'CASE'
parameters {
  vector<lower=0>[2] sds;
}
model {
  vector[6] each = to_vector(rep_matrix(sds', 3));
  target += dot_product(each, [1, 10, 100, 1000, 10000, 100000]');
}
CASE
cat > main.cpp <<'CASE'
#include <stan/io/empty_var_context.hpp>
#include "rows.hpp"
int main() {
  stan::io::empty_var_context data;
  stan::model::model_base& model = new_model(data, 1, nullptr);
  Eigen::VectorXd at(2);
  at << std::log(2), std::log(3);
  Eigen::Matrix<stan::math::var, -1, 1> free = at;
  std::cout << std::setprecision(9) << model.log_prob(free, nullptr).val() << std::endl;
}
CASE
"$stan/stanc" --version
value() { # of a program that stanc made with some flags
  "$stan/stanc" "$@" --name=rows_model --o=rows.hpp rows.stan
  g++ -std=c++17 -O0 -D_REENTRANT -DSTAN_THREADS -DBOOST_DISABLE_ASSERTS -D_GLIBCXX_USE_CXX11_ABI=0 \
    -w -I. -I"$stan/include" main.cpp -o rows -L"$stan/lib" \
    -ltbb -lsundials_cvodes -lsundials_idas -lsundials_kinsol -lsundials_nvecserial -Wl,-rpath,"$stan/lib"
  ./rows
}
plain=$(value)
optimised=$(value --O1)
echo "without: $plain"
echo "--O1:    $optimised"
[ "$plain" = 333222 ] || { echo "not 3 * 111000 + 2 * 111, as it should be"; exit 1; }
[ "$optimised" != "$plain" ] || { echo "the same, so that this has changed"; exit 1; }
