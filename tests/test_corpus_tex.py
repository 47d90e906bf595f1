"""LaTeX sources: what a reader sees of them on paper."""

import pytest
from read_samples import covered, outline

from corpus.readers import tex


def test_tex_without_preamble_and_comments() -> None:
    source = r"""\documentclass{article}
\title{On \emph{gates}}
\begin{document}
\section{First} % remark
Half is 50\% of it. % gone
% a line that goes
More words.

\begin{equation}
a = b

c
\end{equation}
\begin{verbatim}
100% kept
\end{verbatim}
\begin{frame}{Slide one}
On the slide.
\begin{itemize}
\item a
\end{itemize}
\end{frame}
After.
\end{document}
ignored
"""
    document = tex.read(source.encode(), source="a.tex")
    assert document.title == "On gates"
    assert covered(document)
    assert "gone" not in document.text
    assert "ignored" not in document.text
    rows = outline(document)
    assert rows[0] == ("heading", 2, "First")
    assert rows[1] == ("paragraph", 0, "Half is 50% of it.\nMore words.")
    assert rows[2] == ("equation", 0, "\\begin{equation}\na = b\n\nc\n\\end{equation}")
    assert ("code", 0, "```\n100% kept\n```") in rows
    slides = [document.text[block.start : block.end] for block in document.blocks if block.slide == 1]
    assert slides[:3] == ["Slide one", "On the slide.", "- a"]
    assert document.blocks[-1].slide is None


def test_tex_abbreviations_are_written_out() -> None:
    source = r"""\newcommand{\V}{V(G)} \def\R{\mathbb{R}} \DeclareMathOperator{\dist}{dist}
\newcommand*\half{\frac{1}{2}} \newcommand{\set}[1]{\{#1\}} \newcommand{\VV}{\V\times\V}
\begin{document}
$|\V| \in \R$, $\Vert x \Vert$, $\dist(u, v) = \half$, $\set{a}$, $\VV$
\end{document}
"""
    text = tex.read(source.encode(), source="a.tex").text
    expected = r"$|V(G)| \in \mathbb{R}$, $\Vert x \Vert$, $\operatorname{dist}(u, v) = \frac{1}{2}$, $\set{a}$, "
    assert text == expected + r"$V(G)\times V(G)$"


def test_tex_reads_as_it_is_printed() -> None:
    source = r"""\title{Graphs \& \emph{walks}}
\begin{document}
\section{The bridges of K\"onigsberg}\label{sec:k}
Solved by \textbf{Leonhard Euler}~\cite{e}, see (\ref{eq:one}); 5\% of \$100, ``all'' of it\footnote{In 1736.} ---
na\"{\i}ve Erd\H{o}s, {\bf old style}, \texttt{a\_b}, \verb|x_{1}|, $\frac{1}
{2}$ and \(\"x\).
\begin{itemize}
  \item<1-> One,
    still one.
    \begin{enumerate}
      \item[\textbf{First}] a

      \item b
    \end{enumerate}
  \item \textcolor{red}{Two}: \href{https://a.b}{there}.
\end{itemize}
\begin{quote}\small Every \foo[x]{walk}.\end{quote}
\begin{align}\label{eq:one}
a &= b \\ c &= d
\end{align}
\end{document}
"""
    document = tex.read(source.encode(), source="a.tex")
    assert covered(document)
    assert document.title == "Graphs & walks"
    assert [row[2] for row in outline(document)] == [
        "The bridges of Königsberg",
        "Solved by **Leonhard Euler**, see (eq:one); 5% of \\$100, “all” of it (In 1736.) —\n"
        'naïve Erdős, **old style**, `a_b`, `x_{1}`, $\\frac{1} {2}$ and \\(\\"x\\).',
        "- One, still one.\n  1. **First** a\n  2. b\n- Two: there.",
        "Every walk.",
        "\\begin{align}\na &= b \\\\ c &= d\n\\end{align}",
    ]


@pytest.mark.parametrize(
    "part",
    [
        "$",
        "{",
        "}",
        "\\(",
        "\\begin{a}\n",
        "\\item[x] ",
        "\\emph{",
        '\\"',
        "\\verb|",
        " ",
        "`",
        "\\begin{itemize}\\item ",
    ],
)
def test_tex_that_opens_and_never_ends_is_read_and_does_not_grow(part: str) -> None:
    document = tex.read((part * 100_000).encode(), source="a.tex")
    assert len(document.text) < 30 * 100_000


def test_tex_theorems_and_tables_read_as_in_other_formats() -> None:
    source = r"""\newtheorem{law}{Law of Nature}
\begin{document}
\begin{definition}[Externality] \label{def:x}
A cost that falls on others. It is
not paid.
\end{definition}
\begin{proof}
\[ a = b \]
\end{proof}
\begin{law}
It holds.
\end{law}
\begin{alertblock}<2->{Mind}
The gap.
\end{alertblock}
\begin{table}[h]
\centering
\caption{Goods}
\begin{tabular}{l|c}
\toprule
Good & \textbf{Rival} \\ \hline
\multicolumn{1}{l}{Bread} & a \& b \\[2pt]
\end{tabular}
\end{table}
\end{document}
"""
    document = tex.read(source.encode(), source="a.tex")
    assert covered(document)
    assert outline(document) == [
        ("paragraph", 0, "**Definition (Externality).** A cost that falls on others. It is\nnot paid."),
        ("paragraph", 0, "**Proof.**"),
        ("equation", 0, "\\[ a = b \\]"),
        ("paragraph", 0, "**Law of Nature.** It holds."),
        ("paragraph", 0, "**Mind.** The gap."),
        ("paragraph", 0, "Goods"),
        ("table", 0, "| Good | **Rival** |\n| --- | --- |\n| Bread | a & b |"),
    ]
