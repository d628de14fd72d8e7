/* Clicks on whatever matches a selector, also in parts of the page that come later. */

/** Call `act(element, event)` at each click on or in an element that matches `selector`. */
export function onClick(selector, act) {
  document.addEventListener("click", (event) => {
    const element = event.target.closest(selector);
    if (element) act(element, event);
  });
}
