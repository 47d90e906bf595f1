// The attention: which prompt tokens each answer token was copied from, and below it what the server tells on demand.

function passageName(data, position) {
  if (position === -1) return "the question";
  if (position < 0) return "a marker";
  const passage = data.passages[position];
  return (passage.number ? `[${passage.number}] ` : "") + passage.name;
}

// Weight by owner: {owner: sum}.
function byOwner(trace, row) {
  const sums = new Map();
  for (const [position, weight] of row) {
    const owner = trace.owners[position];
    sums.set(owner, (sums.get(owner) || 0) + weight);
  }
  return sums;
}

function heaviestPassage(trace, row) {
  let best = null;
  for (const [owner, weight] of byOwner(trace, row)) {
    if (owner >= 0 && (!best || weight > best.weight)) best = { owner, weight };
  }
  return best;
}

function spelled(text) {
  const marker = /^<\|(.*)\|>$/.exec(text);
  return marker ? `‹${marker[1]}›` : text.trim() || (text.includes("\n") ? "⏎" : "␣");
}

// Draws the prompt, a group per stretch of one passage; `spans` are the tokens in order.
function promptView(data) {
  const trace = data.trace;
  const view = make("div", { class: "gb-prompt", tabindex: "0", role: "region", "aria-label": "Prompt tokens" });
  const spans = [];
  const groups = new Map();
  let owner = null;
  let body = null;
  trace.tokens.forEach(([gap, text], position) => {
    const marker = trace.owners[position] === -2;
    // A marker between two stretches of one passage stays inside that passage.
    const belongs = marker ? trace.owners.slice(position).find((one) => one !== -2) : trace.owners[position];
    if (marker && belongs !== owner) body = null;
    if (!marker && (belongs !== owner || !body)) {
      owner = belongs;
      const share = make("span", { class: "gb-figure" });
      const passage = owner >= 0 ? data.passages[owner] : null;
      const title = make("div", { class: "gb-group-title" }, passage ? badge(passage) : "",
        make("span", { class: "gb-mass-name" }, ...(passage ? titled(passage.name) : ["Question"])), share);
      body = make("div", { class: "gb-group-text" });
      const group = make("div", { class: passage ? "gb-group" : "gb-group gb-group-question" }, title, body);
      view.append(group);
      groups.set(owner, [...(groups.get(owner) || []), { group, share }]);
    }
    const span = make("span", { class: marker ? "gb-ink gb-special" : "gb-ink" }, marker ? spelled(text) : text);
    spans.push(span);
    (body || view).append(gap, span);
  });
  return { view, spans, groups };
}

function paint(data, prompt, row) {
  const top = row.reduce((most, [, weight]) => Math.max(most, weight), 0);
  const weights = new Map(row);
  prompt.spans.forEach((span, position) => {
    const strength = top ? (weights.get(position) || 0) / top : 0;
    span.style.setProperty("--ink", strength < 0.02 ? "0" : strength.toFixed(3));
    span.title = weights.has(position) ? "weight " + weights.get(position).toFixed(3) : "";
  });
  const sums = byOwner(data.trace, row);
  const heaviest = heaviestPassage(data.trace, row);
  for (const [owner, groups] of prompt.groups) {
    const share = sums.get(owner) || 0;
    for (const one of groups) {
      one.share.textContent = share >= 0.005 ? percent(share) : "";
      one.group.classList.toggle("gb-heaviest", Boolean(heaviest) && owner === heaviest.owner);
    }
  }
  const first = row.filter(([position]) => heaviest && data.trace.owners[position] === heaviest.owner)
    .reduce((best, one) => (!best || one[1] > best[1] ? one : best), null);
  if (first) {
    const span = prompt.spans[first[0]];
    const offset = span.getBoundingClientRect().top - prompt.view.getBoundingClientRect().top;
    if (offset < 20 || offset > prompt.view.clientHeight - 40) {
      prompt.view.scrollTop += offset - prompt.view.clientHeight / 3;
    }
  }
}

function chooser(id, label, options) {
  const select = make("select", { id, class: "gb-select" });
  options.forEach(([value, text]) => select.append(make("option", { value }, text)));
  return { select, field: make("label", { class: "gb-field", for: id }, label, select) };
}

function describe(data, step, row) {
  const heaviest = heaviestPassage(data.trace, row);
  const line = make("p", { class: "gb-said" }, make("strong", {}, `“${spelled(step.text)}”`),
    ` copied with ${percent(step.copy)}; `,
    heaviest ? `most copy weight (${percent(heaviest.weight)}) on ${passageName(data, heaviest.owner)}.`
      : "no copy weight on a passage.");
  const list = make("ul", { class: "gb-others", "aria-label": "Most probable tokens at this place" });
  for (const [text, probability] of step.others.filter((other) => other[1] >= 0.005)) {
    list.append(make("li", {}, make("span", { class: "gb-code" }, spelled(text)), " " + probability.toFixed(2)));
  }
  return [line, make("div", { class: "gb-alternatives" }, make("span", { class: "gb-small" }, "Candidates:"), list)];
}

function tokenButton(data, copy, step, index) {
  const row = copy(index);
  const heaviest = heaviestPassage(data.trace, row);
  const number = heaviest ? data.passages[heaviest.owner].number : null;
  const name = `${spelled(step.text)}, copied ${percent(step.copy)}` +
    (heaviest ? `, from ${passageName(data, heaviest.owner)}` : "") + (step.quoted ? ", quoted" : "") +
    (step.kept ? "" : ", not part of the answer");
  const kind = (step.quoted ? " gb-quoted" : "") + (step.kept ? "" : " gb-dropped");
  return make("button", { type: "button", class: "gb-token" + kind, "aria-label": name,
    title: `p(copy) ${step.copy.toFixed(2)}, p(token) ${step.p.toFixed(2)}`, "aria-pressed": "false", tabindex: "-1" },
  make("span", { class: "gb-word" }, spelled(step.text)), bar(step.copy),
  make("span", { class: "gb-tiny" }, (number ? `[${number}] ` : "") + step.copy.toFixed(2).replace(/^0/, "")));
}

function copyTable(data, copy) {
  return tableTwin("The same as a table", "Answer token → passage tokens it was copied from",
    ["Answer token", "p(copy)", "Passage", "Most weighted source words"],
    () => data.trace.steps.map((step, index) => {
      const row = copy(index);
      const heaviest = heaviestPassage(data.trace, row);
      const words = row.filter((one) => one[1] >= 0.005).sort((a, b) => b[1] - a[1]).slice(0, 3)
        .map(([position, weight]) => `${spelled(data.trace.tokens[position][1])} ${weight.toFixed(2)}`);
      return [spelled(step.text), step.copy.toFixed(2), heaviest ? passageName(data, heaviest.owner) : "–", words.join(", ")];
    }));
}

function drawAttention(root, data) {
  root.replaceChildren();
  const trace = data.trace;
  if (!trace) {
    root.append(make("p", { class: "gb-note" }, "No word of this answer was written by the model, so there is no attention to show."));
    return;
  }
  const copy = unpack(trace.copy);
  const prompt = promptView(data);
  const said = make("div", { class: "gb-live", "aria-live": "polite" });
  const strip = make("div", { class: "gb-strip", role: "toolbar", "aria-label": "Tokens of the answer; arrow keys move" });
  let current = Math.max(trace.steps.findIndex((step) => step.kept && step.copy > 0.5), 0);

  function show(index) {
    buttons[current].setAttribute("aria-pressed", "false");
    buttons[current].tabIndex = -1;
    current = index;
    buttons[current].setAttribute("aria-pressed", "true");
    buttons[current].tabIndex = 0;
    paint(data, prompt, copy(index));
    said.replaceChildren(...describe(data, trace.steps[index], copy(index)));
  }

  const buttons = trace.steps.map((step, index) => {
    const button = tokenButton(data, copy, step, index);
    // A page that scrolls under a resting pointer fires this too, with no movement.
    button.addEventListener("pointermove", (event) => {
      if (index !== current && (event.movementX || event.movementY)) show(index);
    });
    button.addEventListener("focus", () => show(index));
    button.addEventListener("click", () => show(index));
    return button;
  });
  strip.append(...buttons);
  strip.addEventListener("keydown", (event) => {
    const last = buttons.length - 1;
    const target = { ArrowRight: current + 1, ArrowDown: current + 1, ArrowLeft: current - 1, ArrowUp: current - 1,
      Home: 0, End: last }[event.key];
    if (target === undefined) return;
    event.preventDefault();
    buttons[Math.min(Math.max(target, 0), last)].focus();
  });
  root.append(massSection(data),
    make("section", {}, make("h3", { class: "gb-heading" }, "Token by token"),
      make("p", { class: "gb-small" }, "Under each token: how far it was copied, and the passage with most weight. " +
        "Dotted: the word is quoted; its figures say how the model would have come by it."),
      strip, said),
    make("section", {}, make("p", { class: "gb-small gb-direction" }, "answer token → passage tokens it was copied from"), prompt.view),
    copyTable(data, copy));
  if (data.key && trace.gates.length) root.append(gatesSection(data));
  if (data.key && trace.layers) root.append(headsSection(data, prompt));
  setFormulasOf(root);
  root.gbShow = () => show(current);
}
