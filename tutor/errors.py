"""The one exception of this package that is meant for the user, the one that ends an answer before its end, and how a
value is named in a message."""


class TutorError(ValueError):
    """Something the user can mend; the message is one line that says what to do next."""


class Stopped(Exception):
    """The answer was stopped before it was complete."""

    def __init__(self) -> None:
        super().__init__("the answer was stopped before it was complete")


def short(value: object) -> str:
    """What is not as it should be, in few words of one line."""
    if isinstance(value, str):
        return repr(value[:60])
    telling = value is None or isinstance(value, float) or (isinstance(value, int) and abs(value) < 10**12)
    return repr(value) if telling else f"of type {type(value).__name__}"
