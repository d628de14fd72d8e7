/* Announcements to screen readers, without a change of focus. */

const region = document.getElementById("live");

export function announce(text) {
  region.textContent = text;
}
