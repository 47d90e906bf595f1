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

// An equation in plain text, its subscripts (`_x`, `_{...}`) set as such.
function equation(text) {
  const parts = text.split(/_(?:\{([^}]*)\}|(\w))/);
  const node = make("span", { class: "gb-equation" });
  for (let place = 0; place < parts.length; place += 3) {
    node.append(parts[place]);
    const below = parts[place + 1] || parts[place + 2];
    if (below) node.append(make("sub", {}, below));
  }
  return node;
}

function percent(share) {
  if (share > 0 && share < 0.005) return "<1 %";
  return Math.round(100 * share) + " %";
}

// A number with a true minus sign, and none before a zero.
function signed(value, digits) {
  const text = Math.abs(value).toFixed(digits);
  return value < 0 && Number(text) > 0 ? "−" + text : text;
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
