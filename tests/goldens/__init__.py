"""Tests of the golden workflow, in projects of their own and with the real command."""
