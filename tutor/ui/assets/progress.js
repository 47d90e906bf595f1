// A change of the lectures: how far it is, and what it did once it is done.

const MOST = 200;
const frame = element.querySelector(".gb-change") || element;
const spoken = make("p", { class: "gb-hidden", role: "status" });
frame.after(spoken);

// A screen reader hears of each stage once, and of the end.
function speak(text) {
  if (spoken.textContent !== text) spoken.textContent = text;
}

function sentence(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function list(title, lines) {
  if (!lines.length) return [];
  const items = lines.slice(0, MOST).map((line) => make("li", {}, line));
  if (lines.length > MOST) items.push(make("li", {}, `and ${(lines.length - MOST).toLocaleString("en")} more`));
  return [make("p", { class: "gb-heading" }, `${title} (${lines.length.toLocaleString("en")})`),
    make("div", { class: "gb-lines", tabindex: "0", role: "region", "aria-label": title }, make("ul", {}, ...items))];
}

function atWork(data) {
  const stage = sentence(data.stage);
  speak(stage);
  const far = data.total > 0 ? `${stage}: ${data.done.toLocaleString("en")} of ${data.total.toLocaleString("en")}` : `${stage}…`;
  const known = data.total > 0 ? { max: data.total, value: data.done } : {};
  return [make("p", { class: "gb-note" }, far), make("progress", { class: "gb-progress", "aria-label": stage, ...known }),
    make("p", { class: "gb-small" }, "The chat goes on answering from the index as it was.")];
}

function ended(data) {
  if (data.fault) return [make("p", { class: "gb-bad", role: "alert" }, sentence(data.fault))];
  const found = data.difference;
  if (!found) return [];
  const named = (pairs) => pairs.map(([course, source]) => `${course}: ${source}`);
  const made = found.added.length + found.changed.length + found.removed.length;
  const said = made ? `Done in ${data.seconds.toFixed(1)} s; answers come from the new index.` : "The index is as it was.";
  speak(said);
  return [make("p", { class: "gb-note" }, said), ...list("Added", named(found.added)),
    ...list("Changed", named(found.changed)), ...list("Removed", named(found.removed)),
    ...list("Not taken", found.rejected.map(([name, reason]) => `${name}: ${reason}`)),
    make("p", { class: "gb-small" }, `Unchanged: ${found.unchanged.toLocaleString("en")}`)];
}

let busy = false;
function receive() {
  const data = props.value ? JSON.parse(props.value) : {};
  frame.replaceChildren(...(data.busy ? atWork(data) : ended(data)));
  if ((data.busy && !busy) || data.fault) bringIntoView(frame);
  busy = Boolean(data.busy);
}

watch("value", receive);
receive();
