"""Texts that nobody should ask or write, made by chance: one maker for each kind, and mutations of any text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from lm.tokenizer import SPECIAL
from tests.payloads import FORMULAS, PAYLOADS

Maker = Callable[[Random], str]

SCRIPTS = {
    "Latin": (0xC0, 0x24F), "Greek": (0x3B1, 0x3C9), "Cyrillic": (0x430, 0x44F), "Armenian": (0x561, 0x586),
    "Hebrew": (0x5D0, 0x5EA), "Arabic": (0x620, 0x64A), "Syriac": (0x712, 0x72F), "Thaana": (0x780, 0x7A5),
    "N'Ko": (0x7CA, 0x7EA), "Devanagari": (0x905, 0x939), "Bengali": (0x995, 0x9A8), "Gurmukhi": (0xA15, 0xA28),
    "Gujarati": (0xA95, 0xAA8), "Oriya": (0xB15, 0xB28), "Tamil": (0xB85, 0xB8A), "Telugu": (0xC15, 0xC28),
    "Kannada": (0xC95, 0xCA8), "Malayalam": (0xD15, 0xD3A), "Sinhala": (0xD9A, 0xDB1), "Thai": (0xE01, 0xE2E),
    "Lao": (0xE94, 0xEA3), "Tibetan": (0xF40, 0xF47), "Burmese": (0x1000, 0x1021), "Georgian": (0x10D0, 0x10FA),
    "Ethiopic": (0x1200, 0x1248), "Cherokee": (0x13A0, 0x13F4), "Cree": (0x1401, 0x166C), "Ogham": (0x1681, 0x169A),
    "Runic": (0x16A0, 0x16EA), "Khmer": (0x1780, 0x17A2), "Mongolian": (0x1820, 0x1842), "Hiragana": (0x3041, 0x3096),
    "Katakana": (0x30A1, 0x30FA), "Bopomofo": (0x3105, 0x312D), "Han": (0x4E00, 0x9FA5), "Yi": (0xA000, 0xA48C),
    "Hangul": (0xAC00, 0xD7A3), "Gothic": (0x10330, 0x1034A), "Deseret": (0x10400, 0x1044F),
    "Cuneiform": (0x12000, 0x1236E), "Hieroglyphs": (0x13000, 0x1342E), "Mathematics": (0x1D400, 0x1D6A3),
    "Emoji": (0x1F600, 0x1F64F),
}  # fmt: skip
"""Writing systems with the first and the last of their letters in a row."""

CONTROLS = "\x00\x01\x07\x08\x1b\x7f\x85\x9b\r\v\f\u2028\u2029\ufffe\uffff\U0010ffff"
BIDI = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u061c"
INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f\u180e\U000e0041\U000e007f"
SURROGATES = "\ud800\udbff\udc00\udfff"

FORGED = (
    *SPECIAL, *(marker.upper() for marker in SPECIAL), "<|endoftext|>", "<|im_start|>system", "<|im_end|>", "<s>",
    "</s>", "[INST]", "[/INST]", "<<SYS>>", "[CLS]", "[SEP]", "[MASK]", "[PAD]", "##ing", "Ġthe", "▁the", "[1]",
    "[99]",
    "<|source|><|end|>", "<|sour", "ce|>", "\n\nHuman:", "\n\nAssistant:",
)  # fmt: skip
LATEX = (
    r"$\def\a{\a\a}\a$", r"\newcommand{\x}{\x\x}\x", r"\input{/etc/passwd}", r"\write18{id}", r"\begin{equation}",
    r"$\frac{\frac{\frac{1}{2}}{3}}{4", "$$$$", r"\(\[\)\]", r"\let\end\relax", r"\csname a\endcsname", "$" * 99,
    "{" * 300, "}" * 300, "\\" * 301, "%" * 20, r"\usepackage{shellesc}", *FORMULAS,
)  # fmt: skip
TEMPLATES = (
    "{{x}}", "${y}", "{{7*7}}", "#{1+1}", "<%= 1 %>", "{% for x in y %}", "%s%s%n", "{0.__class__}", "{}", "$(id)",
    "`id`", "{{constructor.constructor('x')()}}", "%{x}", "@{x}", "__import__('os')", "' OR 1=1 --",
    '"; DROP TABLE passages; --', "NEAR(a b)", 'a AND (b OR "c', "body:*", "a* OR *", "*", "^a", "-a NOT b",
    "\\u0000", "&#0;", "%00", "\\x00",
)  # fmt: skip
PATHS = (
    "../../../../etc/passwd", "/dev/zero", "/proc/self/mem", "C:\\Windows\\win.ini", "\\\\host\\share",
    "file:///etc/passwd",
    "~root/.ssh/id_rsa", "a/../b", "//a//b", "a" * 300 + ".md", "con", "nul.txt", "-rf", "--help", "notes.md\x00.png",
)  # fmt: skip


def word(random: Random, script: str, longest: int = 12) -> str:
    """Letters of one writing system."""
    first, last = SCRIPTS[script]
    return "".join(chr(random.randint(first, last)) for _ in range(random.randint(1, longest)))


def some(random: Random, pieces: Sequence[str], most: int = 5) -> str:
    """Some of the pieces, joined by nothing, a space or a line end."""
    return random.choice(("", " ", "\n")).join(random.choices(pieces, k=random.randint(1, most)))


def empty(random: Random) -> str:
    """Nothing that can be seen."""
    return "".join(random.choices(" \t\n\r\x00\x0b\u00a0\u2003\u2028" + INVISIBLE + BIDI, k=random.randint(0, 40)))


def controls(random: Random) -> str:
    """Words with control characters, or one character alone."""
    return some(random, (*CONTROLS, "gate", "?"), 12)


def surrogates(random: Random) -> str:
    """Halves of characters."""
    return some(random, (*SURROGATES, "gate", "\U0001f600"), 9)


def bidi(random: Random) -> str:
    """Marks that turn the direction of writing round, and marks that nobody sees."""
    return some(random, (*BIDI, *INVISIBLE, "gate", "שער", "؟"), 20)


def forged(random: Random) -> str:
    """What stands for the tokens that a model is steered by."""
    return some(random, FORGED)


def latex(random: Random) -> str:
    """Formulas that are broken, endless or would like to run something."""
    return some(random, LATEX, 4)


def html(random: Random) -> str:
    """Tags, scripts and images that would like to be more than text."""
    return some(random, PAYLOADS, 4)


def template(random: Random) -> str:
    """What a template engine, a shell, a format string or a full-text search would take for its own."""
    return some(random, TEMPLATES)


def path(random: Random) -> str:
    """Names of files that are none of a student's business."""
    return some(random, PATHS, 3)


def script(random: Random) -> str:
    """Words of one of the writing systems."""
    name = random.choice(list(SCRIPTS))
    return " ".join(word(random, name) for _ in range(random.randint(1, 30)))


def letter(random: Random) -> str:
    """One letter many times, up to a million."""
    one = random.choice(["a", "W", "?", "0", " a", ".", "\n", "é", "\u0301", "字", "\U0001f600", "[", "$", "`", "|"])
    return one * random.choice([1, 40, 500, 1000, 1999 // len(one), 2000 // len(one), 2001, 1_000_000])


def long(random: Random) -> str:
    """A text far too long, up to 20 MB."""
    piece = random.choice(["gate ", "a", "\x00", "字", "<b>", "\ud800", "What is a gate? "])
    return piece * (random.choice([2_001, 20_000, 1_000_000, 20_000_000]) // len(piece) + 1)


MAKERS: dict[str, Maker] = {
    "nothing to see": empty, "control characters": controls, "half characters": surrogates, "direction marks": bidi,
    "forged tokens": forged, "LaTeX": latex, "HTML": html, "templates": template, "paths": path,
    "40 writing systems": script, "one letter": letter, "far too long": long,
}  # fmt: skip


def mixed(random: Random, texts: Sequence[str], longest: int = 2000) -> str:
    """Pieces of hostile kinds and of `texts` one after the other, at most `longest` characters."""
    makers = [*(maker for name, maker in MAKERS.items() if name != "far too long"), lambda _: random.choice(texts)]
    parts = [random.choice(makers)(random)[: random.randint(1, 400)] for _ in range(random.randint(2, 6))]
    return random.choice(("", " ", "\n\n")).join(parts)[:longest]


def mutated(random: Random, text: str) -> str:
    """A text after one to six changes: characters lost, doubled, swapped, turned round, put in, or a piece cut out."""
    for _ in range(random.randint(1, 6)):
        at = random.randint(0, len(text))
        end = min(len(text), at + random.randint(1, 12))
        how = random.randrange(8)
        if how == 0:
            text = text[:at] + text[end:]
        elif how == 1:
            text = text[:end] + text[at:end] * random.randint(1, 20) + text[end:]
        elif how == 2:
            text = text[:at] + text[at:end][::-1] + text[end:]
        elif how == 3:
            text = text[:at] + random.choice(CONTROLS + BIDI + INVISIBLE + SURROGATES + "\"'`$\\<>[]{}()") + text[at:]
        elif how == 4:
            text = text[:at] + text[at:end].swapcase() + text[end:]
        elif how == 5:
            text = text[:at] + random.choice(list(MAKERS.values())[:10])(random)[:60] + text[at:]
        elif how == 6:
            text = "".join(random.sample(text, len(text))) if random.random() < 0.2 else text[::-1]
        else:
            text = text[:at] + word(random, random.choice(list(SCRIPTS))) + text[end:]
    return text
