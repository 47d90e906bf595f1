// Turns the "[1]" that the tutor put into a text into buttons. `put` says of every bracketed number in it, in order, whether
// the tutor put it: the lecture has bracketed numbers of its own. Formulas and code stay as they are. What stands before
// the answer, its hints, has none of the tutor's, so that the numbers are counted from the end. `button(number)` makes a
// button of the class `name`, or gives nothing for a number that it does not know.
function linkMarkers(text, put, name, button) {
  const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT, (node) => {
    const held = node.parentElement.closest("pre, code, .katex, button, a");
    return /\[\d+\]/.test(node.data) && (!held || held.classList.contains(name))
      ? NodeFilter.FILTER_ACCEPT : NodeFilter.FILTER_REJECT;
  });
  const found = [];
  while (walker.nextNode()) found.push(walker.currentNode);
  let place = put.length - found.reduce((sum, node) => sum + node.data.match(/\[\d+\]/g).length, 0);
  for (const node of found) {
    const pieces = node.data.split(/\[(\d+)\]/).map((part, index) => {
      if (index % 2 === 0) return part;
      const made = put[place++] ? button(Number(part)) : null;
      return made || `[${part}]`;
    });
    const linked = node.parentElement.classList.contains(name);
    if (!linked && pieces.some((piece) => typeof piece !== "string")) node.replaceWith(...pieces);
  }
}
