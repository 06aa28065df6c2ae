"""Small linear mixed models leave the other threads of BLAS asleep, and give them back."""

from __future__ import annotations

from threadpoolctl import threadpool_info

import winstan as ws
from winstan.classical import mixed


def threads():
    return [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]


def test_a_small_fit_is_on_one_thread_and_a_large_one_is_not(monkeypatch):
    before, seen, own = threads(), [], mixed.minimise

    def watched(*args, **options):
        seen.append(threads())
        return own(*args, **options)

    monkeypatch.setattr(mixed, "minimise", watched)
    pastes = ws.load("Pastes")
    ws.lme("strength ~ 1 + (1|batch/cask)", pastes)
    monkeypatch.setattr(mixed, "_SMALL_EFFECTS", 39)  # ten batches, and thirty casks in them
    ws.lme("strength ~ 1 + (1|batch/cask)", pastes)
    assert set(seen[0]) == {1}
    assert seen[1] == before == threads()
