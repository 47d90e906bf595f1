"""The one exception of this package that is meant for the user."""


class TutorError(ValueError):
    """Something the user can mend; the message is one line that says what to do next."""
