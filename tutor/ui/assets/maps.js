// Maps of numbers on a canvas, one pixel a number, and the reading of them by pointer and keys.

const MARK = [245, 158, 11];
const COOL = [37, 128, 190];

// `shade` takes a byte to [colour, strength from 0 to 1].
function drawMap(canvas, rows, columns, bytes, shade) {
  canvas.width = columns;
  canvas.height = rows;
  const context = canvas.getContext("2d");
  const image = context.createImageData(columns, rows);
  for (let place = 0; place < rows * columns; place += 1) {
    const [colour, strength] = shade(bytes[place]);
    image.data.set(colour, 4 * place);
    image.data[4 * place + 3] = Math.round(255 * strength);
  }
  context.putImageData(image, 0, 0);
}

// Weights: bytes are 255 sqrt(weight), and so is the brightness, up to the brightest of the map.
function weightShade(bytes) {
  const top = bytes.reduce((most, one) => Math.max(most, one), 1);
  return (byte) => [MARK, byte / top];
}

// States between -1 and 1 (or any symmetric range) are cool below zero; gates between 0 and 1 have one colour.
function stateShade(low) {
  if (low >= 0) return (byte) => [MARK, byte / 255];
  return (byte) => (byte >= 128 ? [MARK, (byte - 127.5) / 127.5] : [COOL, (127.5 - byte) / 127.5]);
}

// Thin lines where the tokens of one owner end, as children laid over the map.
function cutLines(cuts, columns) {
  return cuts.slice(1).map(([column]) => {
    const line = make("span", { class: "gb-cut", "aria-hidden": "true" });
    line.style.left = (100 * column / columns).toFixed(2) + "%";
    return line;
  });
}

// Over which columns an owner's tokens stand, named where there is room.
function ownerRuler(data, cuts, columns) {
  const ruler = make("div", { class: "gb-ruler", "aria-hidden": "true" });
  cuts.forEach(([column, owner], place) => {
    const end = place + 1 < cuts.length ? cuts[place + 1][0] : columns;
    const part = make("span", { class: owner >= 0 ? "gb-ruled gb-ruled-passage" : "gb-ruled", title: ownerName(data, owner) },
      shortOwner(data, owner));
    part.style.flexGrow = String(end - column);
    ruler.append(part);
  });
  return ruler;
}

function ownerName(data, owner) {
  return owner === -3 ? "the answer so far" : owner === -2 ? "markers" : passageName(data, owner);
}

function shortOwner(data, owner) {
  if (owner === -3) return "answer";
  if (owner === -2) return "";
  if (owner === -1) return "Q";
  const number = data.passages[owner].number;
  return number ? `[${number}]` : "–";
}

// Lets a cell of a map be chosen: `tell(row, column)` is called for the pointer and for the arrow keys.
function readable(box, canvas, rows, columns, tell) {
  const cursor = make("span", { class: "gb-cursor", hidden: true });
  let row = 0;
  let column = 0;
  box.append(cursor);
  function go(toRow, toColumn) {
    row = Math.min(Math.max(toRow, 0), rows - 1);
    column = Math.min(Math.max(toColumn, 0), columns - 1);
    cursor.hidden = false;
    cursor.style.left = (100 * column / columns) + "%";
    cursor.style.top = (100 * row / rows) + "%";
    cursor.style.width = (100 / columns) + "%";
    cursor.style.height = (100 / rows) + "%";
    tell(row, column);
  }
  const point = (event) => {
    const area = canvas.getBoundingClientRect();
    go(Math.floor(rows * (event.clientY - area.top) / area.height),
      Math.floor(columns * (event.clientX - area.left) / area.width));
  };
  canvas.addEventListener("pointermove", point);
  canvas.addEventListener("pointerdown", point);
  box.addEventListener("focus", () => { if (cursor.hidden) go(row, column); });
  box.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0],
      Home: [0, -columns], End: [0, columns], PageUp: [-10, 0], PageDown: [10, 0] }[event.key];
    if (!step) return;
    event.preventDefault();
    go(row + step[0], column + step[1]);
  });
}

// A table that is filled when it is opened: the same numbers for those who read rather than look.
function tableTwin(summary, caption, heads, rowsOf) {
  const details = make("details", { class: "gb-twin" }, make("summary", {}, summary));
  details.addEventListener("toggle", () => {
    if (!details.open || details.querySelector("table")) return;
    const body = make("tbody", {}, ...rowsOf().map(([first, ...rest]) =>
      make("tr", {}, make("th", { scope: "row" }, first), ...rest.map((cell) => make("td", {}, cell)))));
    details.append(make("div", { class: "gb-scroll", tabindex: "0", role: "region", "aria-label": caption },
      make("table", {}, make("caption", {}, caption),
        make("thead", {}, make("tr", {}, ...heads.map((head) => make("th", { scope: "col" }, head)))), body)));
  });
  return details;
}
