"""Texts that would like to be more than texts, and formulas that are to stay what they are."""

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
