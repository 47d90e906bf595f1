// What the reader knows, lecture by lecture: a table whose bars say the same as its numbers.

const frame = element.querySelector(".gb-quiz-progress") || element;

function drawProgress() {
  frame.replaceChildren();
  if (!props.value) return;
  const rows = JSON.parse(props.value).map((one) => make("tr", {}, make("th", { scope: "row" }, one.lecture),
    make("td", { class: "gb-number" }, `${one.known} of ${one.asked}`), make("td", {}, bar(one.share)),
    make("td", { class: "gb-number" }, percent(one.share))));
  const heads = ["Lecture", "Known of asked", "", "Mastery"];
  frame.append(make("h3", { class: "gb-heading" }, "Your progress"),
    make("div", { class: "gb-scroll", tabindex: "0", role: "region", "aria-label": "Your progress" },
      make("table", { "aria-label": "Your progress by lecture" },
        make("thead", {}, make("tr", {}, ...heads.map((head) => head ? make("th", { scope: "col" }, head) : make("td", {})))),
        make("tbody", {}, ...rows))),
    make("p", { class: "gb-small" }, "Known is what was answered right at the first or the second try."));
}

watch("value", drawProgress);
drawProgress();
