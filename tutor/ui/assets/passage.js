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

// Without its delimiters and in one line, as the typesetter keeps it.
function tex(source) {
  return source.replace(/^(\$\$?|\\[([])|(\$\$?|\\[)\]])$/g, "").replace(/\s+/g, " ").trim();
}

function placeFormulas(root) {
  for (const span of root.querySelectorAll(".gb-formula")) {
    const found = !span.firstElementChild && setFormulas.get(tex(span.textContent));
    if (found) span.replaceChildren(found.cloneNode(true));
  }
}

// Asks for the formulas that were not set before; what the typesetter cannot read stays as it was written.
function setFormulasOf(root) {
  placeFormulas(root);
  const open = [...root.querySelectorAll(".gb-formula")].filter((span) => !span.firstElementChild);
  if (!open.length) return;
  // "<t" would begin a tag; "< t" is the same formula.
  const lines = open.map((span) => span.textContent.replace(/\s+/g, " ").replace(/<(?=[A-Za-z/!?])/g, "< "));
  window.gbToSet = [...new Set(lines)].join("\n\n");
  trigger("typeset");
}

new MutationObserver(() => {
  for (const one of document.querySelectorAll("#gb-formulas .katex")) {
    const source = one.querySelector("annotation");
    if (source) setFormulas.set(tex(source.textContent), one.closest(".katex-display") || one);
  }
  placeFormulas(element);
}).observe(document.querySelector("#gb-formulas"), { childList: true, subtree: true });
