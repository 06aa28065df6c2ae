#!/bin/sh
# ordinal 2022.11-16 (R 4.2): the links "cloglog" and "loglog" of clmm() and of clm().
#
# One would guess that a link means the same in both, and that a model with an intercept of each
# person is at least as likely at its maximum as the same model without.
# Seen:  clmm's "cloglog" is clm's "loglog" and the other way round (clmm2's too): with persons'
#        intercepts the log likelihood of soup falls from -2689.6 to -2690.4 under "cloglog", and the
#        thresholds are another link's. Those of logit and probit are as they should be.
# Needs Rscript with the package ordinal (Debian: r-cran-ordinal).
set -eu
Rscript --vanilla - <<'CODE'
suppressMessages(library(ordinal))
for (link in c("cloglog", "loglog", "probit")) {
  none <- clm(SURENESS ~ PROD, data = soup, link = link)
  persons <- suppressWarnings(clmm(SURENESS ~ PROD + (1 | RESP), data = soup, link = link, nAGQ = 7))
  cat(sprintf("%-8s without persons %.1f  with %.1f  first threshold %.2f %.2f\n", link,
              as.numeric(logLik(none)), as.numeric(logLik(persons)), coef(none)[1], coef(persons)[1]))
  stopifnot((logLik(persons) < logLik(none)) == (link == "cloglog"))
}
CODE
