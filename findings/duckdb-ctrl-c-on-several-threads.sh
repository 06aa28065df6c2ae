#!/usr/bin/env bash
# DuckDB 2.0.1: Ctrl-C ends a query on one thread at once; on two mostly when it is done anyway.
#
# The guess was that it is heard at once on any number of threads. On two it is a matter of luck.
# interrupt() from another thread is always heard.
#
# Seen, of 5 queries each that Ctrl-C comes to in their first quarter:
SEEN
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$(command -v python3.13 || command -v python3)" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q duckdb==2.0.1
cat > "$folder/case.py" <<'CASE'
import os
import signal
import time
from threading import Timer

import duckdb

TRIES = 5
QUERY = "SELECT i % 2, sum(sqrt(i * 1.0)) FROM range(200_000_000) rows(i) GROUP BY 1"
print(f"duckdb {duckdb.__version__}")


def took(connection, stop=lambda: None, after=0.0):
    Timer(after, stop).start()
    start = time.perf_counter()
    try:
        connection.sql(QUERY).fetchall()
        time.sleep(0.1)  # an interrupt that waits is raised here at the latest
    except (KeyboardInterrupt, RuntimeError, duckdb.InterruptException):
        pass
    return time.perf_counter() - start


def ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)


heard = []
for threads, what in ((1, "Ctrl-C"), (2, "Ctrl-C"), (2, "interrupt()")):
    connection = duckdb.connect(config={"threads": threads})
    connection.execute("SET enable_progress_bar = false")
    whole = took(connection)
    stop = ctrl_c if what == "Ctrl-C" else connection.interrupt
    heard.append(sum(took(connection, stop, whole / 4) < 0.6 * whole for _ in range(TRIES)))
    print(f"{what} on {threads} thread{'s' * (threads > 1)}: {heard[-1]} of {TRIES} are ended early")
assert heard[0] == heard[2] == TRIES > heard[1]
CASE
"$folder/venv/bin/python" "$folder/case.py"
