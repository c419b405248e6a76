"""Threads that wait asleep, unless the user wants otherwise."""

from __future__ import annotations

from harness import threads


def test_threads_sleep_while_they_wait() -> None:
    environment: dict[str, str] = {}
    threads.wait_asleep(environment)
    assert environment == {"OMP_WAIT_POLICY": "PASSIVE"}


def test_a_setting_of_the_users_stays() -> None:
    environment = {"OMP_WAIT_POLICY": "ACTIVE"}
    threads.wait_asleep(environment)
    assert environment == {"OMP_WAIT_POLICY": "ACTIVE"}
