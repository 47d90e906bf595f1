// Asks the server for more of an answer than was sent with it. A reply is kept with the answer it belongs to.

async function askMore(data, name, details) {
  data.replies = data.replies || new Map();
  const question = name + JSON.stringify(details || {});
  if (!data.replies.has(question)) {
    const reply = await server[name]({ key: data.key, ...details });
    if (!reply) throw new Error("The server does not answer; try again.");
    if (reply.error) throw new Error(reply.error);
    data.replies.set(question, reply);
  }
  return data.replies.get(question);
}

// The reply to what was asked before, if it was.
function keptReply(data, name, details) {
  return data.replies && data.replies.get(name + JSON.stringify(details || {}));
}

// A button that asks and shows what comes back in `place`; `show` gets the reply. Errors are one line beside it.
function askButton(label, place, ask, show) {
  const said = make("span", { class: "gb-small gb-asked", role: "status" });
  const button = make("button", { type: "button", class: "gb-ask" }, label);
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-disabled")) return;
    button.setAttribute("aria-disabled", "true");
    said.textContent = "Working…";
    try {
      const reply = await ask();
      said.textContent = "";
      show(reply);
    } catch (fault) {
      said.textContent = fault.message;
    } finally {
      button.removeAttribute("aria-disabled");
    }
  });
  place.append(button, said);
  return button;
}
