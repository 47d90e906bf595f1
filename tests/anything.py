"""What may be handed over where something else was meant, and what an error must say then."""

from __future__ import annotations

from hypothesis import strategies as st

LONGEST_LINE = 400

texts = st.text(max_size=80)

things = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), texts, st.binary(max_size=8),
    st.lists(st.integers(), max_size=3), st.dictionaries(texts, texts, max_size=2),
    st.just(object()), st.just(10**5000),
)  # fmt: skip
"""Anything at all."""

values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts, st.just("x" * 3000)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=6,
)
"""Anything that comes as JSON."""


def check_line(fault: BaseException) -> str:
    """What an error says: one line, not long, that can be shown."""
    said = str(fault)
    assert said, "an error says something"
    assert "\n" not in said, f"an error is one line, not {said!r}"
    assert len(said) < LONGEST_LINE, f"an error has fewer than {LONGEST_LINE} characters, not {len(said):,}"
    said.encode("utf-8")
    return said
