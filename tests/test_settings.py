"""How long a run may take."""

from __future__ import annotations

import pytest

from harness.settings import PROFILES


@pytest.mark.parametrize(
    ("profile", "names", "minutes"),
    [("quick", 0, 20), ("quick", 1, 3), ("quick", 4, 8), ("quick", 30, 20), ("standard", 1, 60)],
)
def test_named_techniques_have_less_than_everything(profile: str, names: int, minutes: float) -> None:
    """Up to half a minute of which starts torch."""
    left = 60 * minutes - PROFILES[profile].allowed(names)
    assert 0 <= left <= 30


@pytest.mark.parametrize("settings", PROFILES.values(), ids=PROFILES)
def test_a_group_has_launches_of_each_kind(settings) -> None:  # type: ignore[no-untyped-def]
    assert settings.fewest("memory") == 1
    assert 3 <= settings.fewest("time") <= settings.launches[1]
    assert settings.fewest("quality") >= 3
