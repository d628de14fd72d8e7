/* The menus that buttons with `popovertarget` open: below their button, inside the window. */

const MARGIN = 8;

/** Put `menu` below `button`, moved to the left where it would not fit. */
function place(menu, button) {
  const { left, bottom } = button.getBoundingClientRect();
  const furthest = document.documentElement.clientWidth - menu.offsetWidth - MARGIN;
  menu.style.left = `${Math.max(MARGIN, Math.min(left, furthest))}px`;
  menu.style.top = `${bottom + MARGIN / 2}px`;
}

/** Close the open menu, if there is one. */
export function closeMenus() {
  for (const menu of document.querySelectorAll("[popover]:popover-open")) menu.hidePopover();
}

export function startMenus() {
  document.addEventListener(
    "toggle",
    ({ target, newState }) => {
      if (!target.matches?.("[popover]") || newState !== "open") return;
      place(target, document.querySelector(`[popovertarget="${target.id}"]`));
      target.querySelector("input:enabled, button, a")?.focus({ preventScroll: true });
    },
    true,
  );
  // What a menu led to is not under it; what opens in it is.
  document.addEventListener("click", ({ target }) => {
    if (target.closest("[popover] :is(button:not([aria-expanded], [type=submit]), a)")) closeMenus();
  });
}
