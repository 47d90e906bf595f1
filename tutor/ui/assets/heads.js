// Every layer and head: small maps to choose from and one of them at full size.

const KINDS = [
  ["raw", "attention weight", "How much of a head's attention each token gets."],
  ["value_weighted", "weight × length of the value", "|a| · ‖v W_O‖ as a share of the row: how much of what the head writes " +
    "comes from each token. A large weight on a short value moves little."],
  ["rollout", "rollout through the layers", "The weights, averaged over heads and halved with the residual path, multiplied " +
    "from the first layer up to each one: the paths from the prompt to the layer, if all heads counted the same."],
];

function headName(reply, layer, head) {
  if (reply.layers === 1 && reply.heads === 1) return "The decoder's attention";
  return reply.heads === 1 ? `Layer ${layer + 1}` : `Layer ${layer + 1}, head ${head + 1}`;
}

// The largest shares of a head in words.
function sharesOf(data, reply, layer, head) {
  return reply.groups.map((owner, place) => [ownerName(data, owner), reply.shares[layer][head][place] / 1000])
    .sort((a, b) => b[1] - a[1]);
}

function headGrid(data, reply, choose) {
  const bytes = bytesOf(reply.pixels);
  const size = reply.rows * reply.columns;
  const shade = weightShade(bytes);
  const grid = make("div", { class: "gb-heads", role: "toolbar", "aria-label": "Layers and heads; arrow keys move, Enter shows one large" });
  grid.style.setProperty("--heads", reply.heads);
  const buttons = [];
  for (let layer = 0; layer < reply.layers; layer += 1) {
    grid.append(make("span", { class: "gb-tiny", "aria-hidden": "true" }, String(layer + 1)));
    for (let head = 0; head < reply.heads; head += 1) {
      const place = layer * reply.heads + head;
      const canvas = make("canvas", { "aria-hidden": "true" });
      drawMap(canvas, reply.rows, reply.columns, bytes.subarray(place * size, (place + 1) * size), shade);
      const most = sharesOf(data, reply, layer, head).slice(0, 2).map(([name, share]) => `${percent(share)} on ${name}`);
      const name = `${headName(reply, layer, head)}: ${most.join(", ")}`;
      const button = make("button", { type: "button", class: "gb-small-map", "aria-label": name, title: name,
        "aria-pressed": "false", tabindex: place ? "-1" : "0" }, canvas, ...cutLines(reply.cuts, reply.columns));
      button.addEventListener("click", () => {
        buttons.forEach((one) => one.setAttribute("aria-pressed", String(one === button)));
        choose(layer, head);
      });
      buttons.push(button);
      grid.append(button);
    }
  }
  grid.addEventListener("keydown", (event) => {
    const at = buttons.indexOf(document.activeElement);
    const target = { ArrowRight: at + 1, ArrowLeft: at - 1, ArrowDown: at + reply.heads, ArrowUp: at - reply.heads }[event.key];
    if (at < 0 || target === undefined) return;
    event.preventDefault();
    if (!buttons[target]) return;
    buttons.forEach((one, place) => { one.tabIndex = place === target ? 0 : -1; });
    buttons[target].focus();
  });
  return { grid, buttons };
}

// The text of the tokens of a column, and what they belong to.
function columnText(data, reply, column) {
  const size = data.trace.tokens.length;
  const [start, end] = [reply.edges[column], reply.edges[column + 1]];
  const words = [];
  for (let token = start; token < end; token += 1) {
    words.push(token < size ? spelled(data.trace.tokens[token][1]) : spelled(reply.tokens[token - size]));
  }
  const owner = start < size ? data.trace.owners[start] : -3;
  return { words: words.slice(0, 4).join(" ") + (words.length > 4 ? " …" : ""), owner, start, end };
}

function largeHead(data, reply, name, prompt) {
  const bytes = bytesOf(reply.pixels);
  const sums = bytesOf(reply.sums);
  const canvas = make("canvas", { "aria-hidden": "true" });
  drawMap(canvas, reply.rows, reply.columns, bytes, weightShade(bytes));
  const box = make("div", { class: "gb-large-map", tabindex: "0", role: "group",
    "aria-label": `${name}: a row for each answer token, a column for each prompt token; arrow keys move` },
  canvas, ...cutLines(reply.cuts, reply.columns));
  box.style.setProperty("--rows", reply.rows);
  const said = make("p", { class: "gb-small gb-told", "aria-live": "polite" }, "Point at the map, or step through it with the arrow keys.");
  const weight = (row, column) => (bytes[row * reply.columns + column] / 255) ** 2;
  readable(box, canvas, reply.rows, reply.columns, (row, column) => {
    const found = columnText(data, reply, column);
    said.replaceChildren(make("strong", {}, `“${spelled(reply.tokens[row])}”`), " → ", make("strong", {}, `“${found.words}”`),
      ` (${ownerName(data, found.owner)}): ${found.end - found.start > 1 ? "at most " : ""}${weight(row, column).toFixed(3)}`);
    const size = data.trace.tokens.length;
    const painted = [];
    for (let place = 0; place < reply.columns; place += 1) {
      for (let token = reply.edges[place]; token < Math.min(reply.edges[place + 1], size); token += 1) {
        painted.push([token, weight(row, place)]);
      }
    }
    paint(data, prompt, painted);
  });
  const table = tableTwin("This head as a table", `${name}: answer token → share of each part of the prompt, and the strongest token`,
    ["Answer token", ...reply.groups.map((owner) => ownerName(data, owner)), "Strongest"],
    () => reply.tokens.map((token, row) => {
      let best = 0;
      for (let column = 1; column < reply.columns; column += 1) if (weight(row, column) > weight(row, best)) best = column;
      return [spelled(token), ...reply.groups.map((_, place) => percent(sums[row * reply.groups.length + place] / 255)),
        `${columnText(data, reply, best).words} ${weight(row, best).toFixed(2)}`];
    }));
  return make("div", { class: "gb-large" }, make("h4", { class: "gb-heading" }, name),
    make("p", { class: "gb-small" }, "Down: answer tokens in their order, each asking. Across: the tokens asked, in the order they were read."),
    ownerRuler(data, reply.cuts, reply.columns), box, said, table);
}

function restLine(rest) {
  return make("p", { class: "gb-small" }, `Markers such as ‹source› hold no text. Attention that rests on them is a sink: a softmax ` +
    `has to go somewhere. Here ${percent(rest.weight)} of all attention rests there; values are ${rest.length.toFixed(2)} times as ` +
    `long as a word's, and ${percent(rest.moved)} of what the heads write comes from them.`);
}

function headsSection(data, prompt) {
  const recurrent = data.trace.gates.length > 0;
  const section = make("section", { class: "gb-drawer" },
    make("h3", { class: "gb-heading" }, recurrent ? "Attention over the encoder's states" : "Layers and heads"));
  const body = make("div", {});
  section.append(body);
  const kind = chooser("gb-kind", "Show ", KINDS.map(([value, label]) => [value, label]));
  const note = make("p", { class: "gb-small", role: "status" });
  const maps = make("div", {});
  const large = make("div", {});

  async function choose(reply, layer, head, byHand) {
    note.textContent = "Working…";
    try {
      const found = await askMore(data, "head", { kind: reply.kind, layer, head });
      note.textContent = "";
      large.replaceChildren(largeHead(data, found, headName(reply, layer, head), prompt));
      if (byHand) bringIntoView(large, "start");
    } catch (fault) {
      note.textContent = fault.message;
    }
  }

  function show(reply) {
    const about = recurrent ? [scoreLine(reply.score)]
      : [make("p", { class: "gb-small" }, KINDS.find((one) => one[0] === reply.kind)[2]), reply.rest ? restLine(reply.rest) : ""];
    large.replaceChildren();
    const table = tableTwin("All heads as a table", "Share of each part of the prompt, mean over the answer's tokens",
      ["Head", ...reply.groups.map((owner) => ownerName(data, owner))],
      () => reply.shares.flatMap((heads, layer) => heads.map((shares, head) =>
        [headName(reply, layer, head), ...shares.map((share) => percent(share / 1000))])));
    if (recurrent) {
      maps.replaceChildren(...about);
      choose(reply, 0, 0);
    } else {
      const { grid } = headGrid(data, reply, (layer, head) => choose(reply, layer, head, true));
      maps.replaceChildren(...about, make("p", { class: "gb-small" }, "A row of maps for each layer; in each map answer " +
        "tokens go down, prompt tokens and then the answer across. Choose one to see it large."), grid, table);
    }
    body.replaceChildren(...(recurrent ? [] : [make("div", { class: "gb-controls" }, kind.field)]), maps, note, large);
  }

  kind.select.addEventListener("change", async () => {
    note.textContent = "Working…";
    try {
      show(await askMore(data, "heads", { kind: kind.select.value }));
      note.textContent = "";
    } catch (fault) {
      note.textContent = fault.message;
    }
  });
  body.append(make("p", { class: "gb-small" }, recurrent
    ? "At each step the decoder compares its state with the encoder's state at every prompt token."
    : `The model has ${data.trace.layers} layers of ${data.trace.heads} heads. It reads its answer once more to show what each one attended to.`));
  askButton(recurrent ? "Show the decoder's attention" : "Show every head", body,
    () => askMore(data, "heads", { kind: kind.select.value }), show);
  return section;
}

function scoreLine(score) {
  return make("p", { class: "gb-small" }, `Scoring function: ${score.title}, `, equation(score.equation),
    " for decoder state d and encoder state e. ", lectureLink(score.lecture));
}
