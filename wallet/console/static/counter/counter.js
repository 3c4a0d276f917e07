// The cashier's page at work: a code comes by camera, by scanner or by hand, the server answers with the
// guest, an act is done, and the next one comes. Without a network receipts wait in the queue.
//
// The page brings the addresses and all words (`#counter`, its data). The panel `#guest` holds what the
// server sends; a form in it that does something has `data-act`, and a `key` by which a repeat is known.

import * as codes from "./codes.js";
import { Queue, QueueFull, newKey } from "./queue.js";
import { Scanner } from "./scanner.js";
import * as sounds from "./sounds.js";
import { listen } from "./wedge.js";

const ANSWER_MS = 15_000;
const AGAIN_MS = 1_500; // until what got no answer is sent once more
const LOOK_MS = { first: 1_000, most: 5_000 }; // between two looks whether there is a network again
const ONE_SCAN_MS = 3_000; // a code that is seen twice in this time was shown once
const NO_ANSWER = [0, 502, 503, 504];
const AMOUNT = /^\d{1,9}(?:[.,]\d{1,2})?$/;

const byId = (id) => document.getElementById(id);
const root = byId("counter");
const { words: said, queue: queueUrl, token: tokenUrl, keys: keysUrl, worker, scope } = root.dataset;
const words = JSON.parse(said);
const guest = byId("guest");
const scan = byId("scan");
const told = byId("told");
const network = byId("network");
const kept = byId("kept");
const camera = byId("camera");
const nobody = guest.innerHTML; // what the panel says between two guests

const queue = new Queue({ name: scope, addresses: { queue: queueUrl, token: tokenUrl }, onChange: showKept });
const scanner = new Scanner(camera.querySelector("video"), take);

let state = "online";
let running = null; // the request that runs, or is about to be repeated
let isReading = false; // a code is being looked at
let seen = { code: "", at: -ONE_SCAN_MS };
let look; // the timer of the next look at the network
let untilLook = LOOK_MS.first;
let looking = null; // the look that runs; `again` if another was wished for meanwhile

// Codes.

async function take(code) {
  if (running || isReading) {
    say(words.busy, "wait");
    return;
  }
  const now = performance.now();
  if (seen.code === code && now - seen.at < ONE_SCAN_MS) return;
  seen = { code, at: now };
  if (camera.open) camera.close();
  scan.value = code;
  if (isOffline()) await takeAlone(code);
  else scan.form.requestSubmit();
}

// Without the server: what can be told of the code, and a form whose receipt waits.
async function takeAlone(code) {
  isReading = true;
  try {
    const { what, card, number } = await codes.check(code, storedKeys());
    if (what === "forged" || what === "alien") {
      nextGuest();
      say(words[what], "bad");
      return;
    }
    const panel = byId("guest-alone").content.cloneNode(true);
    panel.querySelector("[data-number]").textContent = number;
    panel.querySelector("[data-checked]").textContent = words[what];
    const form = panel.querySelector("form");
    form.elements.guest.value = card;
    form.elements.key.value = newKey();
    guest.replaceChildren(panel);
    scan.value = "";
    say("", "good");
    focusOn(form.elements.amount);
  } finally {
    isReading = false;
  }
}

// What was typed by hand goes the same way.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form === scan.form && !running && !isReading && isOffline()) {
    event.preventDefault();
    event.stopImmediatePropagation();
    if (scan.value.trim()) takeAlone(scan.value.trim());
  } else if (isOurs(form) && running) {
    event.preventDefault();
    event.stopImmediatePropagation();
  } else if (form.dataset.act === "later") {
    event.preventDefault();
    keepReceipt(form);
  }
}, { capture: true });

listen(take);

// Requests. One at a time: what comes meanwhile is not lost on another guest.

document.addEventListener("htmx:configRequest", ({ detail }) => {
  if (queue.csrf) detail.headers["X-CSRFToken"] = queue.csrf; // the page's own may be of an earlier session
  if (formOf(detail.elt)) detail.timeout = ANSWER_MS;
});

document.addEventListener("htmx:beforeRequest", ({ detail }) => {
  const form = formOf(detail.requestConfig.elt);
  if (!form) return;
  const { verb, path, formData } = detail.requestConfig;
  const isRepeat = running?.form === form;
  running = { form, isRepeat, verb, path, values: Object.fromEntries(formData) };
  press(form, false);
});

document.addEventListener("htmx:afterRequest", ({ detail }) => {
  const form = formOf(detail.requestConfig.elt); // which may be gone from the page by now
  if (!form || running?.form !== form) return;
  if (!NO_ANSWER.includes(detail.xhr.status)) {
    free(form);
    answered(form, detail.xhr.status);
    return;
  }
  setState("offline");
  lookLater();
  if (form === scan.form) {
    free(form);
    takeAlone(scan.value.trim());
  } else if (running.isRepeat) {
    const { values } = running;
    free(form);
    giveUp(form, values);
  } else {
    say(words.repeating, "wait");
    setTimeout(repeat, AGAIN_MS, running);
  }
});

// The same request once more, with the same key: as it was, whatever the form says by now.
function repeat({ form, verb, path, values }) {
  htmx.ajax(verb, path, { source: form, values }).catch(() => {}); // told of by the events above
}

function answered(form, status) {
  if (state === "offline") reach();
  const isGood = status < 400 && !guest.querySelector("[data-bad]");
  if (status >= 400 && status !== 422) say(words.failed, "bad");
  else say("", isGood ? "good" : "bad");
  if (form === scan.form && isGood) scan.value = "";
  const first = guest.querySelector(status === 422 ? "[aria-invalid], [autofocus]" : "[data-focus]");
  focusOn((form === scan.form || status === 422) && first ? first : scan);
}

// Twice no answer. Whether the first came through is not known; the key makes a third try harmless.
// Points are spent with the server alone: it knows how many there are.
function giveUp(form, { points }) {
  const earns = form.dataset.act === "earn" && !Number(points ?? 0);
  if (earns && AMOUNT.test(amountOf(form))) keepReceipt(form, words.unknown);
  else say(form.dataset.act === "tell" ? words.failed : words.unknown_act, "bad"); // another code ends the one before
}

async function keepReceipt(form, sentence = words.kept) {
  const amount = amountOf(form);
  if (!AMOUNT.test(amount)) {
    form.elements.amount.setAttribute("aria-invalid", "true");
    say(words.amount, "bad");
    focusOn(form.elements.amount);
    return;
  }
  press(form, false);
  try {
    const { guest: card, key } = form.elements;
    await queue.add({ card: card.value, amount: amount.replace(",", "."), key: key.value });
    nextGuest();
    say(sentence, sentence === words.kept ? "good" : "wait");
    reach();
  } catch (trouble) {
    press(form, true);
    say(trouble instanceof QueueFull ? words.full : words.not_kept, "bad");
  }
}

const amountOf = (form) => form.elements.amount.value.replace(/\s/g, "");

const isOurs = (form) => form === scan.form || Boolean(form.dataset.act);

// What fields ask for by themselves (a price while one types) is no act.
const formOf = (element) => (element.matches("form") && isOurs(element) ? element : null);

function press(form, isFree) {
  for (const button of form.querySelectorAll("button")) button.disabled = !isFree;
}

function free(form) {
  running = null;
  press(form, true);
}

function nextGuest() {
  guest.innerHTML = nobody;
  htmx.process(guest);
  scan.value = "";
  say("");
  focusOn(scan);
}

document.addEventListener("keydown", (event) => {
  const isElsewhere = document.querySelector("details[open].k-drop, dialog[open]");
  if (event.key === "Escape" && !isElsewhere && !running) nextGuest();
}, { capture: true });

document.addEventListener("click", (event) => {
  sounds.wake();
  if (event.target.closest("[data-next-guest]") && !running) nextGuest();
  if (event.target.closest("[data-kept]")) kept.showModal();
});
document.addEventListener("keydown", sounds.wake, { capture: true });

// On a phone the focus in a field would open its keyboard over half the page.
function focusOn(field) {
  if (field === scan && matchMedia("(pointer: coarse)").matches) return;
  field.focus();
  if (field === scan) field.select(); // what comes next takes the place of what was wrong
}

function say(sentence, how = "") {
  told.textContent = sentence;
  told.dataset.state = how;
  if (how === "good" || how === "bad") sounds.tell(how, root);
}

// What was wrong with a field is over once it is typed anew.
document.addEventListener("input", ({ target }) => {
  if (!target.matches("#guest [aria-invalid]")) return;
  target.removeAttribute("aria-invalid");
  byId(`${target.id}-problem`)?.remove();
});

// A code has six digits: with the last of them it is said.
document.addEventListener("input", ({ target }) => {
  if (target.id !== "code" || running || target.value.replace(/\D/g, "").length !== 6) return;
  target.form.requestSubmit();
});

// The first button of the form earns: Enter in this field must not press it.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.target.id !== "spend") return;
  event.preventDefault();
  guest.querySelector("[data-spends]")?.focus();
});

// The camera.

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-camera]") && !running) openCamera();
});

async function openCamera(which) {
  say("");
  if (!camera.open) camera.showModal();
  try {
    await scanner.start(which);
    await showCameras();
  } catch ({ why }) {
    camera.close();
    say(words[`camera_${why ?? "broken"}`], "bad");
    scan.focus();
  }
}

async function showCameras() {
  const torch = camera.querySelector("[data-torch]");
  torch.hidden = !scanner.hasTorch;
  torch.setAttribute("aria-pressed", "false");
  const choice = camera.querySelector("select");
  const all = await scanner.cameras();
  const options = all.map(({ id, label, isHere }, at) => new Option(label || `${words.camera} ${at + 1}`, id, isHere, isHere));
  choice.replaceChildren(...options);
  choice.parentElement.hidden = all.length < 2;
}

camera.querySelector("select").addEventListener("change", (event) => openCamera(event.target.value));
camera.querySelector("[data-torch]").addEventListener("click", async ({ currentTarget: torch }) => {
  const isOn = torch.getAttribute("aria-pressed") !== "true";
  await scanner.light(isOn).then(() => torch.setAttribute("aria-pressed", isOn), () => {});
});
camera.addEventListener("close", () => {
  scanner.stop();
  focusOn(scan);
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) scanner.stop();
  else if (camera.open) openCamera();
});

// The network, and what waits for it.

function isOffline() {
  return !navigator.onLine || state === "offline";
}

// Sends what waits, and finds out how things stand; again and again until nothing waits any more.
async function reach() {
  if (looking) {
    looking.again = true;
    return;
  }
  looking = { again: false };
  await lookOnce();
  const { again } = looking;
  looking = null;
  if (again) reach();
}

async function lookOnce() {
  clearTimeout(look);
  const isAnyWaiting = (await all()).some(isWaiting);
  const how = isAnyWaiting ? await queue.send().catch(() => "trouble") : await queue.reach();
  if (how !== "elsewhere") setState(how === "sent" ? "online" : how);
  if (how === "sent") untilLook = LOOK_MS.first;
  else lookLater();
}

function lookLater() {
  clearTimeout(look);
  look = setTimeout(reach, untilLook);
  untilLook = Math.min(2 * untilLook, LOOK_MS.most);
}

function setState(how) {
  state = how;
  network.dataset.state = how;
  network.querySelector("[data-word]").textContent = words[how];
  network.querySelector("a").hidden = how !== "signed_out";
}

const isWaiting = ({ state: its }) => its === "waiting";

addEventListener("online", () => {
  untilLook = LOOK_MS.first; // it is said as soon as there is a network, and often too soon
  reach();
});
addEventListener("offline", () => {
  setState("offline");
  lookLater();
});
document.addEventListener("visibilitychange", () => document.hidden || reach());

async function all() {
  return queue.entries().catch(() => []); // a browser that keeps nothing has nothing
}

async function showKept() {
  const entries = await all();
  const waiting = entries.filter(isWaiting).length;
  const refused = entries.filter((entry) => entry.state === "refused").length;
  const opener = byId("kept-count");
  opener.hidden = !entries.length;
  opener.dataset.state = refused ? "bad" : waiting ? "wait" : "good";
  opener.querySelector("[data-waiting]").textContent = waiting;
  opener.querySelector("[data-waiting]").parentElement.hidden = !waiting && refused > 0;
  opener.querySelector("[data-refused]").textContent = refused;
  opener.querySelector("[data-refused]").parentElement.hidden = !refused;
  kept.querySelector("ul").replaceChildren(...entries.reverse().map(drawn));
}

function drawn(entry) {
  const row = byId("kept-row").content.cloneNode(true).firstElementChild;
  const at = new Date(entry.at);
  const language = document.documentElement.lang;
  row.dataset.state = entry.state;
  row.querySelector("[data-card]").textContent = entry.card.length > 20 ? `…${entry.card.slice(-8)}` : entry.card;
  const minimumFractionDigits = Number.isInteger(Number(entry.amount)) ? 0 : 2;
  row.querySelector("[data-amount]").textContent = Number(entry.amount).toLocaleString(language, { minimumFractionDigits });
  row.querySelector("time").textContent = at.toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  row.querySelector("time").dateTime = entry.at;
  row.querySelector("[data-became]").textContent = words[entry.state];
  row.querySelector("[data-why]").textContent = entry.words;
  const button = row.querySelector("button");
  button.hidden = entry.state === "waiting";
  button.addEventListener("click", () => queue.putAway(entry.key));
  return row;
}

// Public keys, for when there is no network.

const KEYS = `kopilka.keys ${scope}`;

async function fetchKeys() {
  try {
    const answer = await fetch(keysUrl, { headers: { "X-Background": "yes" }, redirect: "manual" });
    if (answer.ok) localStorage.setItem(KEYS, JSON.stringify(await answer.json()));
  } catch {
    // No network, or no leave to keep anything: those of the last time have to do.
  }
}

function storedKeys() {
  try {
    return JSON.parse(localStorage.getItem(KEYS));
  } catch {
    return null;
  }
}

if (worker) navigator.serviceWorker?.register(worker, { scope }).catch(() => {});
showKept();
reach();
fetchKeys();
focusOn(scan);
root.dataset.ready = "";
