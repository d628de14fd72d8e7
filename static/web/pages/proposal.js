/* Entry of the page with a proposal: its print, and the address of a new link. */

const openAll = () => {
  for (const part of document.querySelectorAll(".assumes")) part.open = true;
};

// A proposal on paper says what each premium assumes.
window.addEventListener("beforeprint", openAll);
document.querySelector("[data-print]")?.addEventListener("click", () => window.print());
document.querySelector("[data-copy-address]")?.addEventListener("click", async ({ target }) => {
  const field = document.getElementById("proposal-address");
  field.select();
  await navigator.clipboard?.writeText(field.value).catch(() => {});
  target.textContent = "Copied";
});
