"""As tests of techniques, these take steps of tiny models on one thread."""

from tests.techniques.conftest import one_thread as one_thread
