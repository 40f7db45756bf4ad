"""What only the making of models can raise."""

from firmware_py.errors import TriggerWordError


class UnfitModelError(TriggerWordError, ArithmeticError):
    """A model does not do what it is for; nothing is wrong with what was asked."""

    exit_code = 1
