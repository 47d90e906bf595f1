// A line chart with a logarithmic y axis, as SVG made element by element.

const SVG = "http://www.w3.org/2000/svg";

function shape(tag, attributes, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  node.append(...children);
  return node;
}

const DASHES = ["", "8 4", "2 3", "10 3 2 3", "14 5", "5 2"];

function power(exponent) {
  const digits = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
  return "10" + String(exponent).split("").map((digit) => digits[digit]).join("");
}

function swatch(index) {
  return shape("svg", { viewBox: "0 0 34 10", width: 34, height: 10, "aria-hidden": "true", focusable: "false" },
    shape("line", { x1: 0, x2: 34, y1: 5, y2: 5, class: `gb-line gb-line-${index}`, "stroke-dasharray": DASHES[index] }));
}

// `lines` are {name, values}: y over x = 0, 1, ...; values at or below `floor` run along the bottom. `width` in pixels.
function logChart(lines, { label, xLabel, yLabel, floor, width }) {
  const [height, left, right, top, bottom] = [280, 58, 12, 12, 40];
  const all = lines.flatMap((line) => line.values).map((value) => Math.max(value, floor));
  const low = Math.floor(Math.log10(Math.min(...all)));
  const high = Math.max(Math.ceil(Math.log10(Math.max(...all))), low + 1);
  const last = Math.max(...lines.map((line) => line.values.length)) - 1;
  const x = (k) => left + (width - left - right) * k / Math.max(last, 1);
  const y = (value) => top + (height - top - bottom) * (high - Math.log10(Math.max(value, floor))) / (high - low);
  const chart = shape("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label, class: "gb-chart" });
  const every = Math.ceil((high - low) / 6);
  for (let exponent = high; exponent >= low; exponent -= every) {
    const at = y(10 ** exponent);
    chart.append(shape("line", { x1: left, x2: width - right, y1: at, y2: at, class: "gb-grid" }),
      shape("text", { x: left - 6, y: at + 4, "text-anchor": "end" }, power(exponent)));
  }
  const step = [1, 2, 5, 10, 20, 50, 100, 200, 500].find((size) => last / size <= width / 75) || 1000;
  for (let k = 0; k <= last; k += step) {
    chart.append(shape("text", { x: x(k), y: height - bottom + 16, "text-anchor": "middle" }, String(k)));
  }
  chart.append(
    shape("text", { x: (left + width - right) / 2, y: height - 6, "text-anchor": "middle" }, xLabel),
    shape("text", { transform: `translate(13 ${(top + height - bottom) / 2}) rotate(-90)`, "text-anchor": "middle" }, yLabel));
  lines.forEach((line, index) => {
    const points = line.values.map((value, k) => `${x(k).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
    chart.append(shape("polyline", { points, class: `gb-line gb-line-${index}`, "stroke-dasharray": DASHES[index] }));
  });
  return chart;
}
