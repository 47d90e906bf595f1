// Keeps the last question and the beginning of its answer in view while the answer grows below it, until the reader
// moves the conversation himself; and tells the style sheet when an answer is being written.

const ABOVE = 36;
// Pixels above the question, for the buttons in the corner.

let following = false, busy = false, questions = 0;

function atWork() {
  return [...document.querySelectorAll("#gb-question button")].some((button) => button.textContent.trim() === "Stop");
}

function follow() {
  const now = atWork();
  if (now !== busy) document.documentElement.toggleAttribute("data-gb-busy", now);
  const area = document.querySelector("#gb-chat [role=log]");
  const asked = area ? [...area.querySelectorAll("[data-testid='user']")] : [];
  following = following || (now && !busy) || asked.length > questions;
  busy = now;
  questions = asked.length;
  if (!following || !questions) return;
  area.scrollTop += asked[questions - 1].getBoundingClientRect().top - area.getBoundingClientRect().top - ABOVE;
}

let waiting = false;
function scheduleFollow() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    follow();
  });
}

for (const way of ["wheel", "touchmove", "pointerdown", "keydown"]) {
  document.addEventListener(way, (event) => {
    if (event.target.closest && event.target.closest("#gb-chat")) following = false;
  }, { capture: true, passive: true });
}
new MutationObserver(scheduleFollow).observe(document.body, { childList: true, subtree: true, characterData: true });
