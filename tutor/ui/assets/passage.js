// The text of a passage: what was used of it marked, its headings as such, its formulas set.

// TeX by what stands in the passage, to the formula as the page's Markdown sets it.
const setFormulas = (window.gbFormulas ||= new Map());

function passageText(title, runs) {
  const box = make("div", { class: "gb-text", tabindex: "0", role: "region", "aria-label": "Passage: " + title });
  for (const [text, level, kind] of runs) {
    if (kind === "hashes") continue;
    const piece = kind ? make("span", { class: "gb-" + kind }, text) : text;
    box.append(level ? make("mark", { class: "gb-mark gb-level-" + level }, piece) : piece);
  }
  return box;
}

const ENVIRONMENT = /^\\begin\{(equation|align|gather)\*?\}([^]*)\\end\{\1\*?\}$/;

// A formula in one line, between the delimiters that the typesetter reads, which say whether it has a line of its own.
function delimited(tex, display) {
  // "<t" would begin a tag; "< t" is the same formula.
  const line = tex.replace(/\s+/g, " ").trim().replace(/<(?=[A-Za-z/!?])/g, "< ");
  return display ? `\\[${line}\\]` : `\\(${line}\\)`;
}

// The same of what stands in a passage. An environment loses its number and label.
function formulaOf(source) {
  const display = /^(\$\$|\\\[|\\begin)/.test(source);
  const tex = source.replace(/^(\$\$?|\\[([])|(\$\$?|\\[)\]])$/g, "");
  return delimited(tex.replace(ENVIRONMENT, (_, name, body) =>
    `\\begin{${name}*}${body.replace(/\\label\{[^{}]*\}/g, "")}\\end{${name}*}`), display);
}

function placeFormulas(root) {
  for (const span of root.querySelectorAll(".gb-formula")) {
    const found = !span.firstElementChild && setFormulas.get(formulaOf(span.textContent));
    if (found) span.replaceChildren(found.cloneNode(true));
  }
}

// Asks for the formulas that were not set before; what the typesetter cannot read stays as it was written.
function setFormulasOf(root) {
  placeFormulas(root);
  const open = [...root.querySelectorAll(".gb-formula")].filter((span) => !span.firstElementChild);
  if (!open.length) return;
  window.gbToSet = [...new Set(open.map((span) => formulaOf(span.textContent)))].join("\n\n");
  trigger("typeset");
}

new MutationObserver(() => {
  for (const one of document.querySelectorAll("#gb-formulas .katex")) {
    const source = one.querySelector("annotation");
    const display = one.closest(".katex-display");
    if (source) setFormulas.set(delimited(source.textContent, display), display || one);
  }
  placeFormulas(element);
}).observe(document.querySelector("#gb-formulas"), { childList: true, subtree: true });
