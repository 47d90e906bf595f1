// The passage that a question was made from: closed and unmarked while it can still be answered.

const frame = element.querySelector(".gb-quiz-card") || element;
document.querySelector("#gb-quiz-question").setAttribute("aria-live", "polite");
document.querySelector("#gb-quiz-feedback").setAttribute("aria-live", "polite");

function drawCard() {
  frame.replaceChildren();
  if (!props.value) return;
  const data = JSON.parse(props.value);
  const text = passageText(data.title, data.runs);
  frame.append(make("details", { class: "gb-card", open: data.open }, make("summary", {},
    make("span", { class: "gb-names" }, make("span", { class: "gb-title" }, ...titled(data.title)),
      make("span", { class: "gb-place" }, ...titled(data.place)))), text));
  setFormulasOf(frame);
  showMarks(text);
}

watch("value", drawCard);
drawCard();
