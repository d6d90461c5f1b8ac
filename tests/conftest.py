"""What every test may use: the object stores, and one way of running property tests."""

from __future__ import annotations

try:
    from hypothesis import settings
except ImportError:
    # Airflow's environments, in which only tests/airflow is collected, have no property tests
    settings = None

pytest_plugins = ["tests.fixtures.object_store"]

if settings:
    # Derandomized, so that a red run here is red everywhere; no deadline, since two cores are shared with others.
    settings.register_profile("ci", deadline=None, derandomize=True)
    settings.load_profile("ci")
