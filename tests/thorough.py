"""Whether the slow tests are to leave nothing out, for hours: `make test-thorough`."""

import os

THOROUGH = os.environ.get("KLPDSL_THOROUGH", "") not in ("", "0")
