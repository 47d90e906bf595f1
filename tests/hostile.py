"""Texts that would like to be more than texts, and a tutor that has them in its passages, titles and answers."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import numpy as np
from fake_tutor import FakeStore, FakeStream, FakeTutor

from corpus.document import Locator, Passage
from index.store import SourceInfo
from tutor.answer import Answer, Citation, PromptToken, Ranked, Step, Trace

AWAY = "http://evil.example/x"
"""Where they would like to send something."""

HIT = "window.gbHit=1"
"""What they would like to run."""

PAYLOADS = (
    f"<script>{HIT}</script>",
    f"</script><script>{HIT}</script>",
    f"<img src=x onerror={HIT}>",
    f"<img src={AWAY}>",
    f"<svg onload={HIT}><circle r=9></svg>",
    f"<svg><script>{HIT}</script></svg>",
    "<iframe srcdoc='<script>parent.gbHit=1</script>'></iframe>",
    f"<iframe src={AWAY}></iframe>",
    f"<object data={AWAY}></object>",
    f"<embed src={AWAY}>",
    f"<video src={AWAY} onerror={HIT} autoplay></video>",
    f"<audio src={AWAY} onerror={HIT}></audio>",
    f"<details open ontoggle={HIT}>x</details>",
    f"<input autofocus onfocus={HIT}>",
    f"<body onload={HIT}>",
    f"<style>@import '{AWAY}'; * {{ display: none }}</style>",
    "<style>body{background:red}</style><b style='position:fixed;inset:0;z-index:9999'>over all</b>",
    f"<link rel=stylesheet href={AWAY}>",
    f"<meta http-equiv=refresh content='0;url={AWAY}'>",
    f"<base href={AWAY}>",
    f"<form action={AWAY}><button>go</button></form>",
    f"<math><mtext><img src=x onerror={HIT}></mtext></math>",
    f"<noscript><p title='</noscript><img src=x onerror={HIT}>'>",
    f"<template><img src=x onerror={HIT}></template>",
    f"<a href='javascript:{HIT}'>a</a>",
    f"[a link](javascript:{HIT})",
    f"[a link](data:text/html,<script>{HIT}</script>)",
    f"![an image]({AWAY}.png)",
    f"![an image][1] and [1]: {AWAY}.png",
    f'![an image](x"onerror="{HIT})',
    f"<picture><source srcset={AWAY}><img src={AWAY}></picture>",
    f"<p style='background:url({AWAY})'>styled</p>",
    "${" + HIT + "}",
    "`${" + HIT + "}`",
    "{{" + HIT + "}}",
    "{{#each value}}{{this}}{{/each}}",
    "{% raw %}{{ 7 * 7 }}",
    "\\u003cscript\\u003e" + HIT + "\\u003c/script\\u003e",
    "&lt;script&gt;" + HIT + "&lt;/script&gt;",
    "<!-- <img src=x> --!> <!--",
    "]]> <![CDATA[ <script>" + HIT + "</script> ]]>",
    "'); " + HIT + "; ('",
    '"); ' + HIT + '; ("',
    "\u2028" + HIT + "\u2029",
    "\u202eabc\u202c \u200b\ufeff and \U0001f600 in \U0001d465",
    f"$\\href{{javascript:{HIT}}}{{x}}$",
    f"$\\url{{{AWAY}}}$",
    f"$\\includegraphics{{{AWAY}.png}}$",
    "$\\htmlData{x=y}{a} \\htmlStyle{position:fixed}{b}$",
    "$\\def\\a{\\a\\a}\\a$",
    "$\\def\\x#1{#1#1#1#1}\\x{\\x{\\x{\\x{\\x{\\x{\\x{a}}}}}}}$",
    "$\\rule{99999em}{99999em}$",
    "$" + "{" * 200 + "x" + "}" * 200 + "$",
    "$$\\begin{array}{" + "c" * 300 + "}x\\end{array}$$",
    "$\\frac{$ $$ \\unknown \\begin{align} $",
    "|a|b|\n|-|-|\n|<img src=x onerror=" + HIT + ">|![i](" + AWAY + ")|",
)

FORMULAS = tuple(
    left + body + right
    for body in (
        r"f_t = \sigma(W_f x_t + U_f h_{t-1} + b_f)",
        r"\frac{\partial L}{\partial W} = \sum_{t=1}^{T} \delta_t x_t^\top",
        r"\begin{pmatrix} a & b \\ c & d \end{pmatrix}",
        r"\mathrm{softmax}(z)_i = \frac{e^{z_i}}{\sum_j e^{z_j}}",
        r"\lVert a \rVert_2 \le \sqrt{n}\, \max_i |a_i|",
    )
    for left, right in (("$", "$"), (r"\(", r"\)"), ("$$", "$$"), (r"\[", r"\]"))
)


def hostile_passage(number: int, payload: str) -> Passage:
    text = f"{payload} stands in a passage."
    place = Locator(source=f"{number:02}-{payload[:20]}.md", start=0, end=len(text), headings=(payload, payload))
    return Passage(passage_id=f"f{number:015x}", document=payload, text=text, locator=place, course=payload)


PASSAGES = tuple(hostile_passage(number, payload) for number, payload in enumerate(PAYLOADS))


def groups() -> Iterator[tuple[str, ...]]:
    """The payloads by the question that asks for them, at most six together in 1,800 characters."""
    group: tuple[str, ...] = ()
    for payload in PAYLOADS:
        if len(group) == 6 or len("\n\n".join([*group, payload])) > 1800:
            yield group
            group = ()
        group += (payload,)
    yield group


QUESTIONS = {"\n\n".join(group).strip(): group for group in groups()}
"""Questions made of payloads, and the payloads that come back."""


def hostile_answer(question: str) -> Answer:
    """The payloads as the model's words, each cited from a passage that holds it, with a trace that is made of them."""
    group = QUESTIONS[question]
    passages = [PASSAGES[PAYLOADS.index(payload)] for payload in group]
    prompt = [PromptToken(text=one, passage=number, start=0, end=len(one)) for number, one in enumerate(group)]
    text, steps, citations = "", [], []
    copy = np.full(len(group), 1 / len(group), np.float32)
    for number, payload in enumerate(group, 1):
        start, end = len(text), len(text) + len(payload)
        attention = np.ones((1, 1, len(group) + number - 1), np.float32) / len(group)
        step = Step(text=payload, probability=0.9, p_copy=0.9, copy=copy, attention=attention, start=start, end=end,
                    alternatives=((payload, 0.9), (f"{payload} ", 0.1)))  # fmt: skip
        steps.append(step)
        citations.append(
            Citation(number=number, passage=passages[number - 1], answer_spans=((start, end),), weight=1 / len(group),
                     passage_spans=((0, len(payload)),))
        )  # fmt: skip
        text += f"{payload} [{number}]\n\n"
    return Answer(
        question=question, text=text, refused=False, citations=tuple(citations), model=group[0],
        passages=tuple(Ranked(passage=one, score=1.0) for one in passages),
        trace=Trace(prompt=tuple(prompt), steps=tuple(steps)),
    )  # fmt: skip


class HostileStore(FakeStore):
    """The lectures of the fake store, and one for each hostile text."""

    def courses(self) -> tuple[str, ...]:
        return (*super().courses(), *PAYLOADS)

    def sources(self) -> tuple[SourceInfo, ...]:
        hostile = tuple(
            SourceInfo(source=one.locator.source, title=one.document, course=one.course, passages=1, sha256="0" * 64)
            for one in PASSAGES
        )
        return super().sources() + hostile

    def passages(self) -> tuple[Passage, ...]:
        return super().passages() + PASSAGES


class SlowStream(FakeStream):
    def __iter__(self) -> Iterator[str]:
        for piece in super().__iter__():
            time.sleep(0.04)
            yield piece


class HostileTutor(FakeTutor):
    """Answers a hostile question in kind; `formulas` with twenty of them, `slowly` word by word, `before` with the
    number of questions that came before."""

    def __init__(self, name: str = "fake", store: FakeStore | None = None) -> None:
        super().__init__(name, store or HostileStore())

    def with_model(self, name: str) -> FakeTutor:
        return HostileTutor(name, self.store)

    def with_store(self, store: FakeStore) -> FakeTutor:
        return HostileTutor(self.model_name, store)

    def stream(self, question: str, history: Sequence[tuple[str, str]] = (), k: int = 5, **where: object) -> FakeStream:
        if question in QUESTIONS:
            return FakeStream(hostile_answer(question))
        said = {"formulas": "\n\n".join(FORMULAS), "before": f"{len(history)} before this one."}
        if question in said:
            plain = Answer(question=question, text=said[question], refused=False, citations=(), passages=(), trace=None)
            return FakeStream(plain)
        stream = super().stream(question, history, k, **where)
        return SlowStream(stream._answer) if question.startswith("slowly") else stream
