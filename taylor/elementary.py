"""The elementary functions by name, the table they stand in, and how to add one."""

from taylor.core.elementary import *  # noqa: F403
from taylor.core.elementary import TABLE as TABLE
from taylor.core.elementary import define as define
from taylor.core.elementary import rule as rule
