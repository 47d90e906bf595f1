"""What only names a source, and who is after one."""

from __future__ import annotations

import pytest

from tutor.bibliography import is_reference, wishes_reference


@pytest.mark.parametrize(
    "text",
    [
        "Credits: [Doe et al](https://x.example/1), 2015.",
        "Image credit: A. Doe",
        "Source: <https://x.example/salt>",
        "Source: “On the raking of salt”, Doe et al, 2013. <https://x.example/salt.pdf> (and further materials)",
        "Doe et al, “On the raking of salt”, ICSR 2015",
        '"On the raking of salt", Doe et al, 2015. <https://x.example/1.pdf>',
        "PAN : a wide survey of pans and the raking of salt, Ann Doe et al. ICSR 2019",
        "https://x.example/raking-of-salt",
        "[On the raking of salt](https://x.example/1)",
        "Doe, J., and Roe, R. *On the raking of salt.* Journal of Salt, 12, 2009.",
    ],
)
def test_what_only_names_a_source(text: str) -> None:
    assert is_reference(text)


@pytest.mark.parametrize(
    "text",
    [
        "Salt melts ice (Doe et al., 2015).",
        "The rake was introduced by Doe et al. in 2015.",
        "Raking was proposed by Ann Doe et al. 2015",
        "Source: the brine that is pumped from below; target: dry salt.",
        "See [the guide](https://x.example) for how salt is raked.",
        'In 1997 "the rake of the pans" was replaced by a machine.',
        "**Salt** is raked at dawn.",
        "See also: rakes, which come in three sizes.",
        "The share is $p$ (Doe et al., 2015).",
        "Credit assignment asks which step earned the reward.",
    ],
)
def test_what_says_something(text: str) -> None:
    assert not is_reference(text)


def test_who_asks_for_a_source() -> None:
    assert all(map(wishes_reference, ["Who came up with the rake?", "Which paper introduced it?", "when was that"]))
    assert not any(map(wishes_reference, ["Why is salt raked?", "What does a rake do?"]))
