// Draws what the sandbox tells: the card in the phone, its last change, and who said what to whom.

const NOTICE_MS = 7000;
const LOOK_EVERY_MS = 1000;
const EAGER_MS = 3000; // after a button was pressed, news is waited for instead

const at = (id) => document.getElementById(id);
const language = document.body.dataset.language;
const clock = new Intl.DateTimeFormat(language, { hour: "numeric", minute: "2-digit" });

let front = null; // the serial number of the card in front; null for the newest
let shown = null; // the state on the screen
const putOff = new Set(); // cards whose question is for later: until the page is loaded anew
const hideNotice = {}; // by the phone's prefix: when its notice goes
let eagerUntil = 0;
let wake = () => {};

// Fields

// What stays is left alone, so that a value that has just changed can finish its glow.
function drawFields(list, fields, glow = false) {
  while (list.children.length > fields.length) list.lastElementChild.remove();
  fields.forEach(({ label, value }, index) => {
    const known = list.children[index];
    const group = known ?? document.createElement("div");
    if (!known) {
      group.append(document.createElement("dt"), document.createElement("dd"));
      list.append(group);
    }
    const [name, text] = group.children;
    const changed = known && name.textContent === label && text.textContent !== value;
    name.textContent = label;
    if (text.textContent === value) return;
    text.textContent = value;
    text.classList.remove("fresh");
    void text.offsetWidth; // or the glow would not begin again
    text.classList.toggle("fresh", Boolean(glow && changed));
  });
}

function drawPicture(image, address) {
  image.hidden = !address;
  if (address && image.getAttribute("src") !== address) image.src = address;
}

function paint(element, colours) {
  ["--background", "--foreground", "--label"].forEach((name, index) => {
    if (colours[index]) element.style.setProperty(name, colours[index]);
    else element.style.removeProperty(name);
  });
}

// The phone

function drawCard(card, before) {
  at("empty").hidden = Boolean(card);
  at("card").hidden = at("under").hidden = !card;
  if (!card) return drawSheet(null);
  const same = before?.serial === card.serial;
  if (!same) turn(false);
  paint(at("card"), card.colours);
  drawPicture(at("logo"), card.pictures.logo);
  at("card-title").textContent = card.title;
  drawFields(at("header"), card.header, same);
  drawPicture(at("strip-picture"), card.pictures.strip);
  drawPicture(at("thumbnail"), card.pictures.thumbnail);
  drawFields(at("primary"), card.primary, same);
  drawFields(at("secondary"), card.secondary, same);
  at("voided").textContent = card.voided;
  at("barcode").hidden = !card.barcode;
  if (card.barcode) {
    drawPicture(at("code"), card.barcode.picture);
    at("code-text").textContent = card.barcode.text;
    at("caption").textContent = card.barcode.caption;
  }
  drawFields(at("back"), card.back, same);
  drawSheet(putOff.has(card.serial) ? null : card.sheet);
}

// What a card asks its owner. It stays as it is while somebody writes.
function drawSheet(sheet) {
  at("sheet").hidden = !sheet;
  if (!sheet) return;
  at("sheet-text").textContent = sheet.text;
  at("sheet-terms").textContent = sheet.terms;
  const names = sheet.fields.map(({ name }) => name).join();
  if (at("sheet-fields").dataset.names === names) return;
  at("sheet-fields").dataset.names = names;
  at("sheet-fields").replaceChildren(
    ...sheet.fields.map(({ name, label, type }) => {
      const line = document.createElement("label");
      const input = document.createElement("input");
      Object.assign(input, { name, type, required: true, autocomplete: "off", maxLength: 100 });
      line.append(label, input);
      return line;
    }),
  );
}

function turn(over) {
  at("card").classList.toggle("turned", over);
  at("back-face").inert = !over;
  at("front").inert = over;
}

function drawTabs(passes, card) {
  at("tabs").hidden = passes.length < 2;
  at("tabs").replaceChildren(
    ...passes.map(({ serial, name }) => {
      const tab = document.createElement("button");
      tab.type = "button";
      tab.title = name;
      tab.setAttribute("aria-label", name);
      if (serial === card?.serial) tab.setAttribute("aria-current", "true");
      tab.addEventListener("click", () => {
        front = serial;
        look();
      });
      return tab;
    }),
  );
}

function notify(notices, before, phone = "") {
  if (!before) return; // what happened before the page was opened is no news
  const known = before.length ? before.at(-1).number : 0;
  const fresh = notices.filter(({ number, text }) => number > known && text).at(-1);
  if (!fresh) return;
  const notice = at(`${phone}notice`);
  drawPicture(at(`${phone}notice-icon`), fresh.icon);
  at(`${phone}notice-title`).textContent = fresh.title;
  at(`${phone}notice-text`).textContent = fresh.text;
  notice.classList.add("shown");
  clearTimeout(hideNotice[phone]);
  hideNotice[phone] = setTimeout(() => notice.classList.remove("shown"), NOTICE_MS);
}

// The Android phone

function drawAndroid({ card, note }, before) {
  at("android").hidden = !card;
  at("android-empty").hidden = Boolean(card);
  at("android-empty").textContent = note;
  if (!card) return;
  const same = before?.card?.serial === card.serial;
  paint(at("gcard"), card.colours);
  drawPicture(at("glogo"), card.pictures.logo);
  drawPicture(at("ghero"), card.pictures.hero);
  at("gissuer").textContent = card.issuer;
  at("gname").textContent = card.programme;
  at("ginactive").textContent = card.inactive;
  const rows = at("grows");
  while (rows.children.length > card.rows.length) rows.lastElementChild.remove();
  card.rows.forEach((fields, index) => {
    const row = rows.children[index] ?? rows.appendChild(document.createElement("dl"));
    row.className = "row";
    drawFields(row, fields, same);
  });
  at("gbarcode").hidden = !card.barcode;
  if (card.barcode) {
    drawPicture(at("gcode"), card.barcode.picture);
    at("gcode-text").textContent = card.barcode.text;
    at("gcaption").textContent = card.barcode.caption;
  }
  drawFields(at("gdetails"), card.details, same);
}

// Beside it

function drawChange(change, card) {
  at("no-change").hidden = Boolean(change);
  at("change").hidden = !change;
  if (!change) return;
  for (const side of ["before", "after"]) {
    paint(at(side), card.colours);
    drawFields(at(side), change[side]);
  }
  at("message").textContent = change.message;
  at("took").textContent = change.took;
}

function drawExchanges(exchanges) {
  at("no-exchange").hidden = exchanges.length > 0;
  at("exchanges").replaceChildren(...exchanges.map(exchangeRow));
}

function exchangeRow({ who, whose, sentence, what, status, ms }) {
  const row = document.createElement("li");
  const part = (name, className, text) => {
    const element = document.createElement(name);
    element.className = className;
    element.textContent = text;
    row.append(element);
    return element;
  };
  part("span", `who who-${who}`, whose);
  part("span", "sentence", sentence);
  const numbers = part("span", "numbers", "");
  const code = document.createElement("b");
  code.textContent = status ?? "—";
  if (status === null || status >= 400) code.className = "bad";
  numbers.append(code, ms ? ` ${ms}` : "");
  part("code", "", what);
  return row;
}

// Talking to the sandbox

function address(path, facts = {}) {
  return `${path}?${new URLSearchParams({ lang: language, ...facts })}`;
}

function draw(state) {
  const { card } = state.android;
  const inFront = card && card.serial === state.till ? card : state.pass;
  notify(state.notices, shown?.notices);
  notify(state.android.notices, shown?.android.notices, "android-");
  for (const button of document.querySelectorAll("[data-needs-card]")) button.disabled = !state.till;
  drawCard(state.pass, shown?.pass);
  drawAndroid(state.android, shown?.android);
  drawTabs(state.passes, state.pass);
  drawChange(state.change, inFront);
  drawExchanges(state.exchanges);
  shown = state;
}

async function look(facts = {}) {
  const asked = front;
  const answer = await fetch(address("state", asked ? { ...facts, card: asked } : facts));
  if (!answer.ok) throw new Error(answer.statusText);
  if (answer.status === 200 && asked === front) draw(await answer.json());
}

async function watch() {
  for (;;) {
    const left = eagerUntil - Date.now();
    try {
      await look({ after: shown.revision, wait: Math.max(0, left / 1000) });
      if (at("trouble").textContent === document.body.dataset.lost) complain("");
    } catch {
      complain(document.body.dataset.lost);
      eagerUntil = 0;
    }
    if (eagerUntil < Date.now()) {
      await new Promise((done) => {
        wake = done;
        setTimeout(done, LOOK_EVERY_MS);
      });
    }
  }
}

function waitForNews() {
  eagerUntil = Date.now() + EAGER_MS;
  wake();
}

async function act(path, body, button) {
  button.disabled = true;
  complain("");
  waitForNews();
  try {
    const answer = await fetch(address(path), {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const said = await answer.json();
    if (!answer.ok) complain(said.sentence);
    else if (said.serial) {
      front = said.serial;
      await look();
    }
    return answer.ok;
  } catch {
    complain(document.body.dataset.lost);
    return false;
  } finally {
    button.disabled = false;
  }
}

function complain(sentence) {
  at("trouble").textContent = sentence;
}

function tick() {
  for (const id of ["clock", "android-clock"]) at(id).textContent = clock.format(new Date());
}

for (const button of document.querySelectorAll("[data-do]")) {
  const what = button.dataset.do;
  button.addEventListener("click", () => {
    const path = what === "demo" ? "passes/demo" : `passes/${shown.till}/${what}`;
    act(path, {}, button);
  });
}

at("add").addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.target.querySelector("button");
  if (await act("passes", { link: at("link").value }, button)) at("link").value = "";
});

at("sheet").addEventListener("submit", async (event) => {
  event.preventDefault();
  const written = Object.fromEntries(new FormData(event.target));
  const button = event.target.querySelector("button");
  if (await act(`passes/${shown.pass.serial}/answer`, written, button)) event.target.reset();
});

at("later").addEventListener("click", () => {
  putOff.add(shown.pass.serial);
  drawSheet(null);
});

at("remove").addEventListener("click", async (event) => {
  const { serial } = shown.pass;
  front = null;
  await act(`passes/${serial}/remove`, {}, event.target);
});

at("gremove").addEventListener("click", (event) => {
  act(`android/${shown.android.card.serial}/remove`, {}, event.target);
});

at("turn").addEventListener("click", () => turn(!at("card").classList.contains("turned")));

tick();
setInterval(tick, 5000);
draw(JSON.parse(document.body.dataset.state));
watch();
if ("atOnce" in at("add").dataset) {
  history.replaceState(null, "", address("/")); // or a reload would add the card again
  at("add").requestSubmit();
}
