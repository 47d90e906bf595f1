// The panel: two tabs, the answers it has seen, and the citation buttons in the chat.

const answers = new Map();
let shown = null;

const sourcesPage = make("div", { class: "gb-page", role: "tabpanel", id: "gb-page-sources", "aria-labelledby": "gb-tab-sources" });
const attentionPage = make("div", { class: "gb-page", role: "tabpanel", id: "gb-page-attention", "aria-labelledby": "gb-tab-attention" });
const pages = [sourcesPage, attentionPage];
const tabs = [["sources", "Sources"], ["attention", "Attention"]].map(([name, label]) =>
  make("button", { type: "button", role: "tab", id: "gb-tab-" + name, class: "gb-tab", "aria-controls": "gb-page-" + name }, label));

function selectTab(index) {
  tabs.forEach((tab, place) => {
    tab.setAttribute("aria-selected", String(place === index));
    tab.tabIndex = place === index ? 0 : -1;
    pages[place].hidden = place !== index;
  });
  if (index === 1 && attentionPage.gbShow) attentionPage.gbShow();
}

tabs.forEach((tab, index) => {
  tab.addEventListener("click", () => selectTab(index));
  tab.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    event.preventDefault();
    selectTab(1 - index);
    tabs[1 - index].focus();
  });
});

function draw(data) {
  shown = data;
  delete attentionPage.gbShow;
  drawSources(sourcesPage, data);
  drawAttention(attentionPage, data);
  const open = tabs[1].getAttribute("aria-selected") === "true" ? 1 : 0;
  selectTab(open);
}

function say(...notes) {
  shown = null;
  delete attentionPage.gbShow;
  pages.forEach((page, index) => page.replaceChildren(make("p", { class: "gb-note" }, notes[index])));
}

function empty() {
  answers.clear();
  say("Ask something: the passages an answer rests on appear here.",
    "Ask something: which words were copied from where appears here.");
}

function receive() {
  if (props.value) [JSON.parse(props.value)].flat().forEach(take);
  else empty();
}

function take(data) {
  for (const turn of [...answers.keys()]) if (turn >= data.turn) answers.delete(turn);
  if (data.notes) {
    say(...data.notes);
    return;
  }
  if (data.failed) {
    say("There is no answer, and so no sources.", "There is no answer, and so no attention.");
    return;
  }
  answers.set(data.turn, data);
  draw(data);
  scheduleLinks();
}

// A "[1]" that the tutor put into an answer opens source 1 of that answer.
function linkCitations(message, turn) {
  const data = answers.get(turn);
  if (!data) return;
  linkMarkers(message, data.markers, "gb-cite", (number) => {
    const passage = data.passages.find((one) => one.number === number);
    return passage && make("button", { type: "button", class: "gb-cite", "data-turn": turn, "data-number": number,
      title: passage.title, "aria-label": `Open source ${number}: ${passage.title}` }, `[${number}]`);
  });
}

let linking = false;
function scheduleLinks() {
  if (linking) return;
  linking = true;
  requestAnimationFrame(() => {
    linking = false;
    document.querySelectorAll("#gb-chat [data-testid='bot']").forEach(linkCitations);
    // Gradio calls the examples a list, but they are buttons and no list items.
    document.querySelectorAll("#gb-chat .examples[role=list]").forEach((one) => one.setAttribute("role", "group"));
    // What else it leaves unsaid: the name of the field a message is edited in, and whether a section is open.
    for (const one of document.querySelectorAll("#gb-chat textarea:not([aria-label])")) {
      one.setAttribute("aria-label", "Question");
      one.focus();
    }
    document.querySelectorAll("button.label-wrap").forEach((one) =>
      one.setAttribute("aria-expanded", String(one.classList.contains("open"))));
  });
}

document.addEventListener("click", (event) => {
  const button = event.target.closest && event.target.closest(".gb-cite");
  if (!button || !answers.has(Number(button.dataset.turn))) return;
  const data = answers.get(Number(button.dataset.turn));
  if (data !== shown) draw(data);
  const open = () => {
    selectTab(0);
    openSource(sourcesPage, data, Number(button.dataset.number));
  };
  if (frame.offsetParent) {
    open();
    return;
  }
  // Another tab lies in front of the panel; what is hidden cannot take the focus.
  document.querySelector("#gb-right button[role=tab]").click();
  const wait = (frames) => (frame.offsetParent || !frames ? open() : requestAnimationFrame(() => wait(frames - 1)));
  wait(60);
});

document.addEventListener("click", (event) => {
  if (event.target.closest && event.target.closest("button.label-wrap")) scheduleLinks();
});

// Opens a lecture beside the chat at one of its headings, once its text is there.
function openLecture(lecture) {
  trigger("lecture", lecture);
  const until = Date.now() + 6000;
  const find = () => {
    const text = document.getElementById("gb-lecture-text");
    const heading = text && text.offsetParent && [...text.querySelectorAll("h1, h2, h3, h4")]
      .find((one) => one.textContent.trim() === lecture.heading);
    if (heading) {
      bringIntoView(heading, "start");
      heading.tabIndex = -1;
      heading.focus({ preventScroll: true });
      heading.classList.add("gb-flash");
    } else if (Date.now() < until) setTimeout(find, 100);
  };
  find();
}

// A page that the browser kept and shows again has lost its connection, and what the server still sends with it.
window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

const frame = element.querySelector(".gb-panel") || element;
frame.replaceChildren(make("div", { class: "gb-tabs", role: "tablist", "aria-label": "About the answer" }, ...tabs), ...pages);
empty();
selectTab(0);
watch("value", receive);
new MutationObserver(scheduleLinks).observe(document.body, { childList: true, subtree: true });
scheduleLinks();
receive();
