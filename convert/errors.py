"""What only a conversion can raise."""

from firmware_py.errors import TriggerWordError


class ParityError(TriggerWordError, ArithmeticError):
    """A converted model does not do what the trained network does."""

    exit_code = 1
