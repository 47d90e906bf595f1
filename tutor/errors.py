"""The one exception of this package that is meant for the user, and the one that ends an answer before its end."""


class TutorError(ValueError):
    """Something the user can mend; the message is one line that says what to do next."""


class Stopped(Exception):
    """The answer was stopped before it was complete."""

    def __init__(self) -> None:
        super().__init__("the answer was stopped before it was complete")
