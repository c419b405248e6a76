"""Threads that wait asleep, unless the user wants otherwise."""

from __future__ import annotations

import pytest

from harness import threads


def test_threads_sleep_soon_when_they_wait() -> None:
    environment: dict[str, str] = {}
    threads.wait_asleep(environment)
    assert environment == {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": threads.SPINS}


@pytest.mark.parametrize("theirs", [{"OMP_WAIT_POLICY": "ACTIVE"}, {"GOMP_SPINCOUNT": "7"}])
def test_a_setting_of_the_users_stays(theirs: dict[str, str]) -> None:
    environment = dict(theirs)
    threads.wait_asleep(environment)
    assert environment == theirs
