// Gates and states of a recurrent model over the tokens of its answer.

// A button that opens the lecture at a heading; nothing where the store has no such lecture.
function lectureLink(lecture) {
  if (!lecture) return "";
  const button = make("button", { type: "button", class: "gb-link" }, `Lecture: ${lecture.heading}`);
  button.addEventListener("click", () => openLecture(lecture));
  return button;
}

function meanLine(gate, columns) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  const points = gate.mean.map((value, step) =>
    `${(100 * (step + 0.5) / columns).toFixed(2)},${(20 * (gate.high - value) / (gate.high - gate.low)).toFixed(2)}`);
  const looks = { viewBox: "0 0 100 20", preserveAspectRatio: "none", class: "gb-mean", "aria-hidden": "true" };
  for (const [name, value] of Object.entries(looks)) svg.setAttribute(name, value);
  line.setAttribute("points", points.join(" "));
  svg.append(line);
  return svg;
}

function gateStrip(reply, gate) {
  const columns = reply.tokens.length;
  const bytes = bytesOf(gate.pixels);
  const canvas = make("canvas", { "aria-hidden": "true" });
  drawMap(canvas, gate.rows, columns, bytes, stateShade(gate.low));
  const box = make("div", { class: "gb-gate-map", tabindex: "0", role: "group",
    "aria-label": `${gate.title}: a column for each answer token, a row for each group of units; arrow keys move` }, canvas);
  const said = make("p", { class: "gb-small gb-told", "aria-live": "polite" });
  const value = (row, column) => gate.low + bytes[row * columns + column] / 255 * (gate.high - gate.low);
  const units = (row) => [Math.floor(row * gate.units / gate.rows) + 1, Math.floor((row + 1) * gate.units / gate.rows)];
  const tell = (row, column) => {
    const [first, last] = units(row);
    said.replaceChildren(make("strong", {}, `${gate.title} at “${spelled(reply.tokens[column])}”`),
      `: mean ${signed(gate.mean[column], 2)}; ${first === last ? `unit ${first}` : `units ${first} to ${last}`}: ` +
      signed(value(row, column), 2));
  };
  readable(box, canvas, gate.rows, columns, tell);
  const bound = Number.isInteger(gate.high) ? 0 : 1;
  said.textContent = `Between ${signed(gate.low, bound)} and ${signed(gate.high, bound)}; on average ` +
    `${signed(gate.mean.reduce((sum, one) => sum + one, 0) / columns, 2)}.`;
  return make("div", { class: "gb-gate" },
    make("h4", { class: "gb-heading gb-gate-title" }, gate.title, equation(gate.equation)),
    make("p", { class: "gb-small" }, gate.says + " ", lectureLink(gate.lecture)), box, meanLine(gate, columns), said);
}

function gatesSection(data) {
  const section = make("section", { class: "gb-drawer" }, make("h3", { class: "gb-heading" }, "Gates and states"));
  const body = make("div", {});
  const note = make("p", { class: "gb-small", role: "status" });
  section.append(body);

  async function change(layer) {
    note.textContent = "Working…";
    try {
      show(await askMore(data, "gates", { layer }));
    } catch (fault) {
      note.textContent = fault.message;
    }
  }

  function show(reply) {
    const layers = chooser("gb-gate-layer", "Show ", Array.from({ length: reply.layers }, (_, layer) =>
      [layer, `layer ${layer + 1} of ${reply.layers}`]));
    layers.select.value = String(reply.layer);
    layers.select.addEventListener("change", () => change(Number(layers.select.value)));
    note.textContent = "";
    body.replaceChildren(make("div", { class: "gb-controls" }, layers.field), note,
      make("p", { class: "gb-small" }, "Across: the answer's tokens in their order. Down: the units, neighbours taken together. " +
        "The line is the mean of all units. Amber is above zero, blue below."),
      ...reply.gates.map((gate) => gateStrip(reply, gate)),
      tableTwin("Gates and states as a table", "Mean over the units of a layer, for each answer token",
        ["Answer token", ...reply.gates.map((gate) => gate.title)],
        () => reply.tokens.map((token, step) => [spelled(token), ...reply.gates.map((gate) => signed(gate.mean[step], 2))])));
  }

  body.append(make("p", { class: "gb-small" }, "What the decoder let through, kept and proposed at each token of the answer."));
  askButton("Show the gates", body, () => askMore(data, "gates", { layer: 0 }), show);
  return section;
}
