// One press asks once. The page takes every press, as Gradio would lose some right after a stop; so a second one is
// dropped here, until the page says that it is at work, and while it is.

const AT_ONCE = 500;
let asked = 0;

function presses(box) {
  return [...box.querySelectorAll("button")].map((button) => button.textContent.trim());
}

function drop(event) {
  event.preventDefault();
  event.stopImmediatePropagation();
}

function askOnce(event, box) {
  if (presses(box).includes("Stop") || Date.now() - asked < AT_ONCE) drop(event);
  else asked = Date.now();
}

document.addEventListener("keydown", (event) => {
  const box = event.target.closest && event.target.closest("#gb-question, #gb-compare-question");
  if (box && event.key === "Enter" && !event.shiftKey && !event.isComposing && event.target.value.trim()) askOnce(event, box);
}, true);

document.addEventListener("click", (event) => {
  const button = event.target.closest && event.target.closest("#gb-question button, #gb-compare-question button");
  if (!button) return;
  if (button.textContent.trim() !== "Stop") {
    askOnce(event, button.closest("#gb-question, #gb-compare-question"));
    return;
  }
  // A second press of "Stop" would stop what has stopped already.
  if (button.dataset.pressed) drop(event);
  button.dataset.pressed = "1";
  asked = 0;
}, true);
