"""An interrupted fit is an interrupted fit, whichever sampler caught the interrupt."""

import os
import signal
import threading

import pymc
import pytest
from template_cases import data_of

import winstan as ws
from winstan.backends.interrupts import interrupts_raised


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)
    signal.sigpending()  # the handler runs at the next bytecode


def test_an_interrupt_that_was_swallowed_is_raised_at_the_end():
    before = signal.getsignal(signal.SIGINT)

    def swallowing(after) -> None:
        with interrupts_raised() as check:
            check()
            with pytest.raises(KeyboardInterrupt):
                interrupt()
            with pytest.raises(KeyboardInterrupt):
                check("trace", draw=3)
            after()

    with pytest.raises(KeyboardInterrupt):
        swallowing(lambda: None)
    with pytest.raises(KeyboardInterrupt):  # and not what came of it
        swallowing(lambda: 1 / 0)
    assert signal.getsignal(signal.SIGINT) is before


def test_without_an_interrupt_nothing_is_raised_and_an_ignored_one_stays_ignored():
    with interrupts_raised() as check:
        check()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupts_raised():
            interrupt()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_another_thread_is_left_alone():
    done = []

    def work() -> None:
        with interrupts_raised() as check:
            check()
            done.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [signal.getsignal(signal.SIGINT)]


@pytest.mark.slow
def test_an_interrupted_pymc_fit_is_no_fit_of_fewer_chains(monkeypatch):
    """PyMC's sampler takes an interrupt as the end of sampling, and returns what there is."""
    sample, draws = pymc.sample, []

    def interrupted(callback, **options):
        def after_each(trace, draw):
            draws.append(draw)
            if len(draws) == 30:
                interrupt()
            callback(trace, draw)

        return sample(callback=after_each, **options)

    monkeypatch.setattr(pymc, "sample", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ws.fit("y ~ x", data_of("gaussian"), backend="pymc", chains=2, draws=200, progress=False)
    assert 30 <= len(draws) < 400
