// Pages about cards: colours of what phones would draw, and the form of a design.
//
// Pages may have no styles of their own, so the colours of a card come as data and are put on here.

const CARD = ["--background", "--foreground", "--label"];

paint(document);
document.addEventListener("htmx:afterSwap", () => paint(document));
document.addEventListener("htmx:oobAfterSwap", () => paint(document));

function paint(part) {
  for (const card of part.querySelectorAll("[data-colours]")) {
    card.dataset.colours.split("|").forEach((colour, at) => card.style.setProperty(CARD[at], colour));
  }
  for (const row of part.querySelectorAll("[data-swatches]")) {
    row.dataset.swatches.split("|").forEach((colour, at) => {
      row.children[at]?.style.setProperty("--swatch", colour);
    });
  }
}

// A colour is chosen or written: both fields show the same one.
document.addEventListener("input", (event) => {
  const { target } = event;
  const picks = target.dataset?.picks;
  if (picks) {
    const written = document.getElementById(picks);
    written.value = target.value;
    written.dispatchEvent(new Event("input", { bubbles: true }));
    return;
  }
  if (/^#[0-9a-f]{6}$/i.test(target.value ?? "")) {
    const picker = document.querySelector(`[data-picks="${CSS.escape(target.name)}"]`);
    if (picker) picker.value = target.value;
  }
  if (target.form?.id === "design") unsaved();
});

function unsaved() {
  const told = document.getElementById("saved");
  if (!told || told.classList.contains("k-unsaved")) return;
  told.classList.add("k-unsaved");
  told.textContent = told.dataset.unsaved;
}

// A picture is sent as soon as it is chosen, with the part of it that is wanted.
document.addEventListener("change", async (event) => {
  const { target } = event;
  if (!target.matches("[data-sends]") || !target.files.length) return;
  const part = target.dataset.frame ? await partOf(target) : "";
  if (part === null) {
    target.value = "";
    return;
  }
  target.form.elements.crop.value = part;
  target.form.requestSubmit();
});

// What cannot be shown here is sent as it is: the server says what is wrong with it.
async function partOf(field) {
  const dialog = document.getElementById("crop");
  try {
    const { ask } = await import(dialog.dataset.crop);
    return await ask(dialog, field.files[0], Number(field.dataset.frame));
  } catch {
    dialog.close();
    return "";
  }
}

// After a field was added, one goes on typing in it.
document.addEventListener("htmx:afterSettle", () => {
  const part = document.querySelector("[data-new]");
  if (!part) return;
  unsaved();
  document.getElementById(part.dataset.new)?.focus();
  delete part.dataset.new;
});

// What a link of the advice leads to may stand in a field that is folded.
document.addEventListener("click", (event) => {
  const link = event.target.closest(".k-advice a, #problems a");
  const meant = link && document.getElementById(decodeURIComponent(link.hash.slice(1)));
  const fold = meant?.closest("details");
  if (fold) fold.open = true;
});
