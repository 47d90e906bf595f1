// Where the words came from, and what the answer loses when a passage is taken away.

function massLine(name, share, worth, most) {
  const plain = worth === null;
  const line = make("li", { class: plain ? "gb-plain" : null },
    make("span", { class: "gb-mass-name", title: name }, ...titled(name)), bar(share),
    make("span", { class: "gb-figure", "aria-label": percent(share) + " copied" }, percent(share)));
  if (most === undefined) return line;
  const known = !plain && worth.removal_effect !== null;
  line.append(known ? bar(worth.removal_effect / most) : make("span", {}),
    known ? make("span", { class: "gb-figure", "aria-label": signed(worth.removal_effect, 2) + " nats per token when removed" },
      signed(worth.removal_effect, 2)) : make("span", {}));
  line.classList.toggle("gb-known", known);
  return line;
}

function massList(data, effects) {
  const trace = data.trace;
  const most = effects && Math.max(0.01, ...effects.passages.map((one) => one.removal_effect || 0));
  const list = make("ul", { class: effects ? "gb-masses gb-with-effects" : "gb-masses" });
  if (effects) {
    list.append(make("li", { class: "gb-mass-heads" }, make("span", {}), make("span", {}, "copied"), make("span", {}),
      make("span", {}, "effect when removed"), make("span", {})));
  }
  trace.mass.map((share, position) => ({ share, position, worth: effects ? effects.passages[position] : undefined }))
    .filter((one) => one.share >= 0.005 || data.passages[one.position].number || (one.worth && one.worth.removal_effect !== null))
    .sort((a, b) => b.share - a.share)
    .forEach((one) => list.append(massLine(passageName(data, one.position), one.share, one.worth, effects ? most : undefined)));
  const rest = effects ? most : undefined;
  if (trace.question >= 0.005) list.append(massLine("the question", trace.question, null, rest));
  list.append(massLine("not copied: the model's vocabulary", trace.vocabulary, null, rest));
  return list;
}

function massSection(data) {
  const lists = make("div", {});
  const below = make("div", {});
  const section = make("section", {}, make("h3", { class: "gb-heading" }, "Where the answer's words came from"), lists, below);

  function show(effects) {
    lists.replaceChildren(massList(data, effects));
    below.replaceChildren(
      effects.note ? make("p", { class: "gb-note gb-refused" }, effects.note) : "",
      make("p", { class: "gb-small" }, "Effect when removed: how much less likely the model finds this answer without the " +
        "passage, in nats per token (1 nat: 2.7 times). A passage that says what another one says, too, has a small effect."));
    setFormulasOf(lists);
  }

  const known = keptReply(data, "effects");
  if (known) show(known);
  else {
    lists.append(massList(data));
    if (data.key) askButton("Effect when removed", below, () => askMore(data, "effects"), show);
  }
  return section;
}
