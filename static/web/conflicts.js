/* Two answers to one question: somebody else saved theirs while mine was being typed or waited to be sent. Both are shown
   at the field, nothing is sent and nothing is lost until its person chooses. */
(() => {
  "use strict";

  const { commit, drop, withhold, valueOf, field, live } = window.saving;
  const expected = new Map(); // path -> who answered it, told by the server before its parts come
  const open = new Map(); // path -> { theirs: the server's field, who }

  const boxOf = (path) => document.getElementById(`conflict-${path.replaceAll("/", "-")}`);
  const labelOf = (element) => element.querySelector("legend, label").firstChild.textContent.trim();

  /** What stands in a field, in the words of the page. */
  function textOf(element) {
    if (element.hasAttribute("data-masked")) return "an answer that is not shown";
    const controls = [...element.querySelectorAll("input, select, textarea")];
    if (["checks", "segments"].includes(element.dataset.widget)) {
      const chosen = controls.filter((control) => control.checked).map((control) => control.nextElementSibling.textContent);
      return chosen.join(", ") || "no answer";
    }
    const [control] = controls;
    return (control.matches("select") ? control.selectedOptions[0]?.textContent : control.value) || "no answer";
  }

  function expect(theirs, isMine) {
    expected.clear();
    for (const [path, who] of Object.entries(theirs)) if (isMine(path)) expected.set(path, who);
  }

  /** The server's field comes in while the page holds on to its own. */
  function meet(mine, theirs) {
    const path = mine.dataset.path, who = expected.get(path) ?? open.get(path)?.who;
    if (!who || !(theirs instanceof Element)) return;
    expected.delete(path);
    // Later parts of the page bring the same answer again: only another one is news.
    if (textOf(mine) === textOf(theirs) && !open.has(path)) return;
    open.set(path, { theirs: theirs.cloneNode(true), who });
    withhold(path);
    draw(path);
    live(`${who} answered ${labelOf(mine)} while you did: ${textOf(theirs)}. Your answer is still here. Choose below the field.`);
  }

  function line(who, text) {
    const row = document.createElement("p"), quote = document.createElement("q");
    quote.textContent = text;
    row.append(`${who} `, quote);
    return row;
  }

  function button(text, label, act) {
    const made = document.createElement("button"), unseen = document.createElement("span");
    made.type = "button"; made.className = "button small";
    unseen.className = "unseen"; unseen.textContent = ` for ${label}`;
    made.append(text, unseen);
    made.addEventListener("click", act);
    return made;
  }

  function draw(path) {
    const element = field(path), { theirs, who } = open.get(path), label = labelOf(element);
    const known = boxOf(path);
    if (known) {
      // A button that is being pressed must stay the same one.
      [textOf(theirs), textOf(element)].forEach((text, place) => { known.querySelectorAll("q")[place].textContent = text; });
      return;
    }
    const box = document.createElement("div");
    box.id = `conflict-${path.replaceAll("/", "-")}`;
    box.className = "conflict";
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", `Two answers to ${label}`);
    const choose = document.createElement("div");
    choose.className = "choose";
    choose.append(button("Keep mine", label, () => keep(path)), button("Take theirs", label, () => take(path)));
    box.replaceChildren(line(`${who} answered`, textOf(theirs)), line("You answered", textOf(element)), choose);
    element.append(box);
  }

  function close(path) {
    boxOf(path)?.remove();
    return open.delete(path);
  }

  function keep(path) {
    const element = field(path);
    close(path);
    commit(path, valueOf(element));
    element.querySelector("input, select, textarea")?.focus({ preventScroll: true });
  }

  function take(path) {
    if (!open.has(path)) return;
    const { theirs } = open.get(path), element = field(path);
    drop(path);
    Idiomorph.morph(element, theirs, { morphStyle: "outerHTML" });
    live(`Took the other answer: ${textOf(theirs)}.`);
    field(path)?.querySelector("input, select, textarea")?.focus({ preventScroll: true });
  }

  function remind(path) {
    draw(path);
    live("There are two answers. Choose one below the field.");
  }

  document.getElementById("form").addEventListener("input", (event) => {
    const element = event.target.closest(".field[data-path]");
    if (element && open.has(element.dataset.path)) draw(element.dataset.path);
  });

  window.conflicts = { expect, meet, has: (path) => open.has(path), take, remind, close, textOf, labelOf, button };
})();
