// Builds elements. Text from lecture material enters the page only as text nodes, never as HTML.

function make(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, String(value));
  }
  node.append(...children);
  return node;
}

function percent(share) {
  if (share > 0 && share < 0.005) return "<1 %";
  return Math.round(100 * share) + " %";
}

function bar(share, label) {
  const filled = make("span", { class: "gb-bar-fill" });
  filled.style.width = (100 * Math.min(Math.max(share, 0), 1)).toFixed(1) + "%";
  return make("span", { class: "gb-bar", "aria-hidden": label ? null : "true", role: label ? "img" : null,
    "aria-label": label || null }, filled);
}

function badge(passage) {
  return make("span", { class: passage.number ? "gb-badge" : "gb-badge gb-badge-plain" },
    passage.number ? String(passage.number) : "–");
}

const calm = window.matchMedia("(prefers-reduced-motion: reduce)");

function bringIntoView(node, block) {
  node.scrollIntoView({ block: block || "nearest", behavior: calm.matches ? "auto" : "smooth" });
}
