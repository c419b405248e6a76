"""What is lacking on this machine is named, with the line that mends it."""

from __future__ import annotations

import re

import pytest

from harness.needs import missing


@pytest.mark.parametrize(
    ("needs", "device", "says"),
    [
        ((), "cpu", None),
        (("cuda",), "cuda", None),
        (("cuda",), "cpu", "needs CUDA"),
        (("numpy>=1",), "cpu", None),
        (("numpy>=99",), "cpu", r"needs numpy>=99, found \d.*: pip install 'numpy>=99'"),
        (
            ("a-package-nobody-has>=1",),
            "cpu",
            "needs a-package-nobody-has: pip install 'a-package-nobody-has>=1'",
        ),
        (("numpy>=1", "cuda"), "cpu", "needs CUDA"),
        (("a-wheel --find-links URL",), "cpu", "needs a-wheel: pip install 'a-wheel' --find-links URL"),
    ],
)
def test_what_is_lacking_is_named_with_the_line_that_mends_it(
    needs: tuple[str, ...], device: str, says: str | None
) -> None:
    found = missing(needs, device)
    if says is None:
        assert found is None
    else:
        assert found is not None
        assert re.fullmatch(says, found)
