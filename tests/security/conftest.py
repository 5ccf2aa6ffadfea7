"""The projects that the tests here begin with are those of the goldens' tests."""

from tests.goldens.conftest import accepted, empty, fresh, project

__all__ = ["accepted", "empty", "fresh", "project"]
