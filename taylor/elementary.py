"""The elementary functions by name, the table they stand in, and how to add one."""

from taylor.core import functions
from taylor.core.functions import *  # noqa: F403
from taylor.core.table import TABLE, Elementary, define, rule

__all__ = ["TABLE", "Elementary", "define", "rule"]
__all__ += functions.__all__
