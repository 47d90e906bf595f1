// Below the cards: the figures of all models, the gradient that comes back to them, and the passages they were given.

const FLOOR = 1e-16;
const BACK = [1, 2, 5, 10, 20, 50, 100, 200, 400];
const frame = element.querySelector(".gb-compare-result") || element;
let data = null;
document.querySelector("#gb-compare-status").setAttribute("role", "status");

function table(name, heads, rows) {
  const body = make("tbody", {}, ...rows.map(([first, ...cells]) => make("tr", {}, make("th", { scope: "row" }, first),
    ...cells.map((cell) => make("td", {}, cell)))));
  return make("div", { class: "gb-scroll gb-twin", tabindex: "0", role: "region", "aria-label": name },
    make("table", { "aria-label": name },
      make("thead", {}, make("tr", {}, ...heads.map((head) => make("th", { scope: "col" }, head)))), body));
}

function fixed(likelihood, field, places) {
  return likelihood ? likelihood[field].toFixed(places) : "–";
}

function figures(models) {
  const heads = ["Model", "Kind", "Weights", "Answer, s", "Tokens/s", "Reference, nats/token", "Reference, bits/byte",
    "Passages, bits/byte", "Cites"];
  const rows = models.map((one) => [one.name, kindOf(one.architecture), one.parameters.toLocaleString("en"),
    one.seconds.toFixed(2), Math.round(one.tokens_per_second).toLocaleString("en"),
    fixed(one.reference, "log_probability_per_token", 3), fixed(one.reference, "bits_per_byte", 3),
    fixed(one.passages, "bits_per_byte", 2), one.cited.length ? one.cited.map((number) => `[${number}]`).join(" ") : "–"]);
  return make("section", {}, make("h3", { class: "gb-heading" }, "Figures"),
    table("Figures of the models", heads, rows),
    make("p", { class: "gb-small" }, "Reference: how likely a model finds the sentence that the ranker thinks answers " +
      "best (marked in the passages below); 0 nats is certain. Bits per byte can be compared between models that cut " +
      "text into different tokens; smaller is better. Tokens a second count the model's own words, the reading of the " +
      "prompt included."));
}

function gradients(models) {
  const lines = models.map((one) => ({ name: one.name, values: one.gradient }));
  const label = "Gradient norm relative to k = 0 over k tokens back, one line a model; the same numbers stand in the table below.";
  const chart = logChart(lines, { label, xLabel: "k, tokens back from the end of the prompt", yLabel: "gradient norm, relative",
    floor: FLOOR, width: Math.min(Math.max(frame.clientWidth, 300), 640) });
  const legend = make("ul", { class: "gb-legend" }, ...lines.map((line, index) => make("li", {}, swatch(index), line.name)));
  const longest = Math.max(...lines.map((line) => line.values.length));
  const back = BACK.filter((k) => k < longest);
  const rows = models.map((one) => [one.name, ...back.map((k) => k < one.gradient.length ? one.gradient[k].toExponential(1) : "–")]);
  const twin = make("details", { class: "gb-twin" }, make("summary", {}, "The same as a table"),
    table("Gradient norm, k tokens back, relative to k = 0", ["Model", ...back.map((k) => `k = ${k}`)], rows));
  return make("section", {}, make("h3", { class: "gb-heading" }, "How much gradient comes back"), legend, chart,
    make("p", { class: "gb-small" }, "Each model reads the prompt from left to right. In a vanilla recurrent network the " +
      "gradient passes through one Jacobian a token and vanishes (or explodes) geometrically; gates can hold it up, and a " +
      "Transformer has a path of one step to every token."), twin);
}

function passageCard(passage) {
  return make("details", { class: "gb-card", "data-number": passage.number },
    make("summary", {}, badge(passage), make("span", { class: "gb-names" }, make("span", { class: "gb-title" }, ...titled(passage.title)),
      make("span", { class: "gb-place" }, ...titled(passage.place)))),
    passageText(`${passage.number}: ${passage.title}`, passage.runs));
}

function openPassage(number) {
  const card = frame.querySelector(`.gb-card[data-number="${number}"]`);
  if (!card) return;
  card.open = true;
  bringIntoView(card);
  card.querySelector("summary").focus({ preventScroll: true });
  card.classList.remove("gb-flash");
  void card.offsetWidth;
  card.classList.add("gb-flash");
}

// A "[1]" that the tutor put into a model's answer opens passage 1.
function linkPassages(card) {
  const name = card.querySelector(".gb-compare-name"), answer = card.querySelector(".gb-compare-answer");
  const model = name && answer && data.models.find((one) => one.name === name.textContent);
  if (!model) return;
  linkMarkers(answer, model.markers, "gb-ref", (number) => {
    const passage = data.passages[number - 1];
    if (!passage) return null;
    const button = make("button", { type: "button", class: "gb-ref", title: passage.title,
      "aria-label": `Open passage ${number}: ${passage.title}` }, `[${number}]`);
    button.addEventListener("click", () => openPassage(passage.number));
    return button;
  });
}

let linking = false;
function scheduleMarkers() {
  if (linking || !data) return;
  linking = true;
  requestAnimationFrame(() => {
    linking = false;
    if (data) document.querySelectorAll("#gb-compare-cards .gb-compare-card").forEach(linkPassages);
  });
}

function drawResult() {
  const open = new Set([...frame.querySelectorAll("details[open][data-number]")].map((card) => card.dataset.number));
  data = props.value ? JSON.parse(props.value) : null;
  frame.replaceChildren();
  if (!data) return;
  if (data.models.length) frame.append(figures(data.models), gradients(data.models));
  frame.append(make("section", {}, make("h3", { class: "gb-heading" }, "The passages that all were given"),
    ...data.passages.map(passageCard)));
  for (const card of frame.querySelectorAll(".gb-card")) card.open = open.has(card.dataset.number);
  setFormulasOf(frame);
  scheduleMarkers();
}

watch("value", drawResult);
new MutationObserver(scheduleMarkers).observe(document.body, { childList: true, subtree: true });
drawResult();
