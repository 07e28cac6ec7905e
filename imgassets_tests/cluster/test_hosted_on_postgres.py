"""What is promised of paid requests, word for word, with the journal in Postgres."""

from __future__ import annotations

import pytest

from imgassets_tests.backends.test_hosted import *  # noqa: F403 - the same tests
from imgassets_tests.backends.test_hosted_killed import *  # noqa: F403 - the same tests

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("database_url")]
