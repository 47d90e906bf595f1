// The text of a passage as it is laid out: what was used of it marked, its headings, tables and code drawn as such, its
// formulas set. The kinds of its pieces stand in tutor/ui/layout.py.

// TeX by what stands in the passage, to the formula as the page's Markdown sets it.
const setFormulas = (window.gbFormulas ||= new Map());
// The TeX of all that was asked for: what asks next speaks for those that the typesetter has not heard yet, too.
const wanted = (window.gbWanted ||= new Set());

const PIECES = { formula: ["span", "gb-formula"], headline: ["span", "gb-headline"], strong: ["strong"], code: ["code"] };
const LAYOUT = new Set(["fence", "row", "cell", "rule", "end"]);

// Where the next piece goes: the text, the listing that was begun, or the last cell of the table.
function layOut(box, kind, at) {
  if (kind === "end") return box;
  if (kind === "fence") {
    const listing = make("code", {});
    box.append(make("pre", {}, listing));
    return listing;
  }
  const table = at.closest("table") || box.appendChild(make("table", {}, make("tbody", {})));
  const body = table.lastElementChild;
  if (kind === "rule") {
    headOf(table, body);
    return table;
  }
  if (kind === "row") body.append(make("tr", {}));
  return body.lastElementChild.appendChild(make("td", {}));
}

// The rows so far become the head of their table, once.
function headOf(table, body) {
  if (table.tHead || !body.rows.length) return;
  const head = make("thead", {}, ...body.rows);
  for (const cell of head.querySelectorAll("td")) cell.replaceWith(make("th", { scope: "col" }, ...cell.childNodes));
  table.prepend(head);
}

function passageText(title, runs) {
  const box = make("div", { class: "gb-text", tabindex: "0", role: "region", "aria-label": "Passage: " + title });
  let at = box;
  for (const [text, level, kind] of runs) {
    if (LAYOUT.has(kind)) at = layOut(box, kind, at);
    if (!text || kind === "sign" || LAYOUT.has(kind)) continue;
    const [tag, name] = PIECES[kind] || [];
    const piece = tag ? make(tag, { class: name }, text) : text;
    at.append(level ? make("mark", { class: "gb-mark gb-level-" + level }, piece) : piece);
  }
  return box;
}

const IN_TITLE = /(\$[^$\s](?:[^$]*[^$\s])?\$(?!\d)|\\\(.+?\\\))/;

// A title: text nodes, and its formulas to be set.
function titled(text) {
  return text.split(IN_TITLE).map((piece, place) => (place % 2 ? make("span", { class: "gb-formula" }, piece) : piece));
}

// Scrolls the text of a passage to what was used of it.
function showMarks(box) {
  const mark = box.querySelector(".gb-level-3") || box.querySelector(".gb-mark");
  if (!mark) return;
  const [place, view] = [mark.getBoundingClientRect(), box.getBoundingClientRect()];
  box.scrollTop += place.top - view.top - box.clientHeight / 3;
  if (place.left < view.left || place.right > view.right) box.scrollLeft += place.left - view.left - 24;
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
  for (const span of open) wanted.add(formulaOf(span.textContent));
  window.gbToSet = [...wanted].filter((formula) => !setFormulas.has(formula)).join("\n\n");
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
