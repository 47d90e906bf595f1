// The pages of a PDF that a passage stands on, with the lines of the passage outlined.

const MOST_PAGES = 6;

function sheetOf(reply, passage) {
  const image = make("img", { src: reply.image, width: reply.width, height: reply.height,
    alt: `Page ${reply.page} of ${passage.title}, with the passage outlined; its text stands above` });
  const sheet = make("div", { class: "gb-sheet" }, image);
  for (const [left, top, right, bottom] of reply.boxes) {
    const outline = make("span", { class: "gb-outline", "aria-hidden": "true" });
    outline.style.left = 100 * left + "%";
    outline.style.top = 100 * top + "%";
    outline.style.width = 100 * (right - left) + "%";
    outline.style.height = 100 * (bottom - top) + "%";
    sheet.append(outline);
  }
  return sheet;
}

function pageView(data, position, passage, number) {
  const box = make("div", { class: "gb-picture" });
  const details = { passage: position, number };
  const show = (reply) => box.replaceChildren(sheetOf(reply, passage), reply.boxes.length ? ""
    : make("p", { class: "gb-small" }, "The words of the passage were not found on this picture of the page."));
  const known = keptReply(data, "picture", details);
  if (known) show(known);
  else askButton(`Show page ${passage.page + number}`, box, () => askMore(data, "picture", details), show);
  return box;
}

function pageViews(data, position, passage) {
  if (!data.key || !passage.page) return [];
  const count = Math.min((passage.last || passage.page) - passage.page + 1, MOST_PAGES);
  return Array.from({ length: count }, (_, number) => pageView(data, position, passage, number));
}
