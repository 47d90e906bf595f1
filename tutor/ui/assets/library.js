// What is indexed: the documents with their notes, where they came from, and what the check of the index found.

const WHERE = { uploaded: "uploaded", shipped: "shipped", folder: "folder" };
const WHAT = { shipped: "What ships with the program", folder: "What was read from a folder" };
const frame = element.querySelector(".gb-library") || element;

function counted(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

// Removing takes two clicks on the same button; leaving it takes the first one back.
function removal(document_) {
  const button = make("button", { type: "button", class: "gb-remove", "aria-label": `Remove ${document_.source}` }, "Remove");
  function rest() {
    delete button.dataset.asked;
    button.textContent = "Remove";
    button.setAttribute("aria-label", `Remove ${document_.source}`);
  }
  button.addEventListener("click", () => {
    if (button.dataset.asked) {
      rest();
      trigger("discard", { course: document_.course, source: document_.source });
      return;
    }
    button.dataset.asked = "yes";
    button.textContent = "Really?";
    button.setAttribute("aria-label", `Really remove ${document_.source}? Press once more`);
  });
  button.addEventListener("blur", rest);
  button.addEventListener("keydown", (event) => { if (event.key === "Escape") rest(); });
  return button;
}

function row(document_, data) {
  const name = make("th", { scope: "row" }, make("span", { class: "gb-title" }, document_.source));
  if (document_.title) name.append(make("span", { class: "gb-place" }, document_.title));
  const notes = make("td", {}, ...(document_.reason ? [make("span", { class: "gb-bad" }, `not read: ${document_.reason}`)] : []),
    ...document_.warnings.map((warning) => make("span", { class: "gb-place" }, warning)));
  const from = make("td", {}, WHERE[document_.origin]);
  if (data.uploads && document_.origin === "uploaded") from.append(make("br"), removal(document_));
  return make("tr", {}, make("td", {}, document_.course), name,
    make("td", { class: "gb-number" }, document_.passages.toLocaleString("en")), notes, from);
}

function healthLines(health) {
  const about = `generation ${health.generation}, checked in ${health.seconds.toFixed(1)} s`;
  if (!health.faults.length) return make("p", { class: "gb-note", role: "status" }, `No fault: every file, passage and vector is as it was built (${about}).`);
  return make("div", { role: "alert" }, make("p", { class: "gb-bad" }, `${counted(health.faults.length, "fault")} (${about}):`),
    make("div", { class: "gb-lines", tabindex: "0", role: "region", "aria-label": "Faults" },
      make("ul", {}, ...health.faults.map((line) => make("li", {}, line)))));
}

function whyNot(data) {
  const seen = new Set(data.documents.map((one) => one.origin));
  return Object.keys(WHAT).filter((origin) => seen.has(origin)).map((origin) =>
    make("p", { class: "gb-small" }, `${WHAT[origin]} cannot be removed here: ${data.kept[origin]}.`));
}

function receive() {
  if (!props.value) {
    frame.replaceChildren(make("p", { class: "gb-note" }, "Loading…"));
    return;
  }
  const data = JSON.parse(props.value);
  if (data.fault) {
    frame.replaceChildren(make("p", { class: "gb-bad", role: "alert" }, data.fault));
    return;
  }
  const read = data.documents.filter((one) => !one.reason);
  const passages = read.reduce((sum, one) => sum + one.passages, 0);
  const built = new Date(data.created);
  const when = isNaN(built) ? data.created : built.toLocaleString("en-GB", { dateStyle: "long", timeStyle: "short" });
  const heads = ["Course", "File", "Passages", "Notes", "From"];
  const table = make("table", {}, make("caption", { class: "gb-hidden" }, "Files in the index"),
    make("thead", {}, make("tr", {}, ...heads.map((head) => make("th", { scope: "col" }, head)))),
    make("tbody", {}, ...data.documents.map((one) => row(one, data))));
  const rows = make("div", { class: "gb-rows", tabindex: "0", role: "region", "aria-label": "Files in the index" }, table);
  const held = frame.contains(document.activeElement);
  frame.replaceChildren(
    make("p", { class: "gb-note" }, `${counted(read.length, "file")}, ${counted(passages, "passage")}; generation ${data.generation}, built ${when}.`),
    ...(data.health ? [healthLines(data.health)] : []),
    rows, ...(data.uploads ? whyNot(data) : []));
  if (held) rows.focus();
}

watch("value", receive);
receive();
