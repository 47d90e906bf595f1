// The sources: a card per passage, those cited first, with the words that were used marked.

function sourceCard(data, passage, position) {
  const numbers = passage.number
    ? make("span", { class: "gb-figure", title: "Share of the answer's copied words" }, percent(passage.weight))
    : make("span", { class: "gb-figure", title: "Search score" }, "score " + passage.score.toFixed(2));
  const summary = make("summary", {},
    badge(passage),
    make("span", { class: "gb-names" },
      make("span", { class: "gb-title" }, ...titled(passage.title)),
      make("span", { class: "gb-place" }, ...titled(passage.course ? `${passage.course}: ${passage.place}` : passage.place))),
    numbers);
  return make("details", { class: "gb-card", "data-passage": position }, summary, passageText(passage.title, passage.runs),
    ...pageViews(data, position, passage));
}

function drawSources(root, data) {
  root.replaceChildren();
  const all = data.passages.map((passage, position) => ({ passage, position }));
  const cited = all.filter((one) => one.passage.number).sort((a, b) => a.passage.number - b.passage.number);
  const others = all.filter((one) => !one.passage.number);
  if (data.refused) {
    root.append(make("p", { class: "gb-note gb-refused" },
      "Refused: the material does not cover this question. The nearest passages are below."));
  } else if (data.overview) {
    root.append(make("p", { class: "gb-note" }, data.quoted
      ? "An overview: what tells of the whole lecture, quoted part by part. The model wrote none of it."
      : "The lectures, each with the passage that it begins with."));
  } else if (data.extractive) {
    root.append(make("p", { class: "gb-note" },
      "This answer is quoted word for word: what the model wrote was not whole or not supported well enough."));
  } else if (data.quoted >= 0.005) {
    root.append(make("p", { class: "gb-note" },
      `${percent(data.quoted)} of this answer was added word for word from the passages; the model wrote the rest.`));
  }
  for (const one of cited) root.append(sourceCard(data, one.passage, one.position));
  if (others.length) {
    root.append(make("h3", { class: "gb-heading" }, cited.length ? "Also retrieved" : "Retrieved"));
    for (const one of others) root.append(sourceCard(data, one.passage, one.position));
  }
  root.append(make("p", { class: "gb-foot" },
    `Answered by ${data.model || "the model"} in ${data.seconds.toFixed(1)} s.`));
  for (const card of root.querySelectorAll(".gb-card")) {
    card.addEventListener("toggle", () => { if (card.open) showMarks(card.querySelector(".gb-text")); });
  }
  if (cited.length) root.querySelector(".gb-card").open = true;
  setFormulasOf(root);
}

function openSource(root, data, number) {
  const position = data.passages.findIndex((passage) => passage.number === number);
  const card = root.querySelector(`.gb-card[data-passage="${position}"]`);
  if (!card) return;
  card.open = true;
  showMarks(card.querySelector(".gb-text"));
  bringIntoView(card);
  card.querySelector("summary").focus({ preventScroll: true });
  card.classList.remove("gb-flash");
  void card.offsetWidth;
  card.classList.add("gb-flash");
}
