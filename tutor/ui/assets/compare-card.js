// The head of a model's card: its name, what it is, and how quick it was.

function drawHead() {
  const root = element.querySelector(".gb-compare-head") || element;
  root.replaceChildren();
  if (!props.value) return;
  const data = JSON.parse(props.value);
  root.append(make("h3", { class: "gb-compare-name" }, data.name));
  const states = { waiting: "waiting", writing: "writing…", failed: "failed", stopped: "stopped" };
  if (data.state !== "done") {
    root.append(make("p", { class: "gb-small" }, states[data.state]));
    return;
  }
  root.append(
    make("p", { class: "gb-small" }, `${kindOf(data.architecture)}, ${weightsOf(data.parameters)}`),
    make("p", { class: "gb-figure" }, `${data.seconds.toFixed(2)} s · ${data.speed.toLocaleString("en")} tokens/s`));
  if (data.declined) {
    root.append(make("p", { class: "gb-small" }, "Left to itself it says that the passages do not answer."));
  }
}

watch("value", drawHead);
drawHead();
