/* Gives widgets of Django's admin the names that screen readers need: the list of choices that Select2 shows has none,
   and the mark beside a filter is text of a kind that must not have one. */

(() => {
  function nameChoices(select) {
    const shown = select?.nextElementSibling?.querySelector('[role="combobox"]');
    const label = select?.labels?.[0];
    if (!shown || !label) return;
    label.id ||= `label-of-${select.id}`;
    // The name of the field, and then what Select2 names it by: the choice that is shown.
    const known = shown.getAttribute("aria-labelledby") ?? "";
    shown.setAttribute("aria-labelledby", `${label.id} ${known}`.trim());
    for (const part of shown.querySelectorAll('[role="textbox"], [role="searchbox"], textarea, input')) {
      part.setAttribute("aria-labelledby", label.id);
    }
  }

  function nameMarks() {
    document.querySelectorAll("span.help-tooltip[aria-label]").forEach((mark) => mark.setAttribute("role", "img"));
  }

  function nameAdded(records) {
    for (const { addedNodes } of records) {
      for (const node of addedNodes) {
        if (node.classList?.contains("select2-container")) nameChoices(node.previousElementSibling);
      }
    }
    nameMarks();
  }

  // Both are made when the page is ready, and for each new row.
  new MutationObserver(nameAdded).observe(document, { childList: true, subtree: true });
})();
