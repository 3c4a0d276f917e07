// Receipts that wait for a network: card numbers and amounts, no names. Each has a key, by which the
// server knows it again: sent twice, it counts once. All is kept in the browser (IndexedDB) until the
// server has said what became of it; what it refused stays until somebody puts it away.

const MOST_WAITING = 500;
const MOST_SENT_AT_ONCE = 50;
const MOST_DONE = 30; // of those that are done as many are still shown
const LONGEST = { card: 400, amount: 20 };
const LEASE_MS = 60_000; // for so long one tab sends, where browsers have no locks
const PATIENCE_MS = 20_000; // for an answer

export class QueueFull extends Error {}

export function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16)); // by http, browsers have no other way
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

// `addresses`: `queue` takes entries, `token` gives the token of forms. `onChange` is called when this
// tab, or another, has changed what is kept.
export class Queue {
  #name;
  #addresses;
  #database;
  #tabs;
  #me = newKey();
  csrf = ""; // the newest token for forms

  constructor({ name, addresses, onChange = () => {} }) {
    this.#name = `kopilka counter ${name}`;
    this.#addresses = addresses;
    this.#tabs = globalThis.BroadcastChannel && new BroadcastChannel(this.#name);
    this.#tabs?.addEventListener("message", onChange);
    this.onChange = onChange;
  }

  // Keeps one more. A key that is there already is there once. Throws QueueFull, or what the browser
  // says if it cannot keep anything.
  async add({ card, amount, key = newKey() }) {
    if (card.length > LONGEST.card || amount.length > LONGEST.amount) throw new RangeError("too long");
    navigator.storage?.persist?.().catch(() => {});
    const entry = { key, card, amount, at: new Date().toISOString(), state: "waiting", words: "" };
    await this.#within("readwrite", async (entries) => {
      const kept = await asked(entries.getAll());
      if (kept.some((one) => one.key === key)) return;
      if (kept.filter(isWaiting).length >= MOST_WAITING) throw new QueueFull();
      await asked(entries.add(entry));
    });
    this.#tell();
    return entry;
  }

  // All that is kept, in the order in which it came.
  entries() {
    return this.#within("readonly", (entries) => asked(entries.getAll()));
  }

  // Takes away one that is done or was refused; what waits stays.
  async putAway(key) {
    await this.#within("readwrite", async (entries) => {
      const found = await asked(entries.index("key").get(key));
      if (found && !isWaiting(found)) await asked(entries.delete(found.number));
    });
    this.#tell();
  }

  // Sends what waits, unless another tab does. How it went: `sent` (nothing waits), `offline`,
  // `signed_out`, `trouble` (the server could not take it), `elsewhere` (another tab sends).
  async send() {
    if (navigator.locks) {
      return navigator.locks.request(this.#name, { ifAvailable: true }, (lock) => (lock ? this.#sendAll() : "elsewhere"));
    }
    if (!(await this.#lease())) return "elsewhere";
    try {
      return await this.#sendAll();
    } finally {
      await this.#endLease();
    }
  }

  // Whether there is a network, and somebody signed in: the token for forms is asked for anew.
  async reach() {
    const answer = await this.#ask(this.#addresses.token, {});
    if (answer.how === "sent") this.csrf = answer.body.csrf;
    return answer.how;
  }

  async #sendAll() {
    for (;;) {
      const waiting = (await this.entries()).filter(isWaiting).slice(0, MOST_SENT_AT_ONCE);
      if (!waiting.length) return "sent";
      const how = await this.reach();
      if (how !== "sent") return how;
      const answer = await this.#ask(this.#addresses.queue, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRFToken": this.csrf },
        body: JSON.stringify({ now: new Date().toISOString(), entries: waiting.map(told) }),
      });
      if (answer.how !== "sent") return answer.how;
      if (!(await this.#settle(waiting, answer.body.outcomes))) return "trouble";
      if (!navigator.locks) await this.#lease();
    }
  }

  async #ask(address, { headers = {}, ...more }) {
    let answer;
    try {
      answer = await fetch(address, {
        ...more,
        headers: { ...headers, Accept: "application/json", "X-Background": "yes" },
        cache: "no-store",
        redirect: "manual",
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
    } catch {
      return { how: "offline" };
    }
    if (answer.type === "opaqueredirect" || [401, 403].includes(answer.status)) return { how: "signed_out" };
    if ([502, 503, 504].includes(answer.status)) return { how: "offline" };
    try {
      return answer.ok ? { how: "sent", body: await answer.json() } : { how: "trouble" };
    } catch {
      return { how: "offline" }; // it broke off in the middle of the answer
    }
  }

  // Whether anything was learned.
  async #settle(sent, outcomes) {
    const known = new Map(outcomes.map((one) => [one.key, one]));
    const settled = sent.filter(({ key }) => ["done", "refused"].includes(known.get(key)?.outcome));
    await this.#within("readwrite", async (entries) => {
      for (const entry of settled) {
        const { outcome, words } = known.get(entry.key);
        await asked(entries.put({ ...entry, state: outcome, words: words ?? "" }));
      }
      const done = (await asked(entries.getAll())).filter(({ state }) => state === "done");
      for (const { number } of done.slice(0, -MOST_DONE)) await asked(entries.delete(number));
    });
    this.#tell();
    return settled.length > 0;
  }

  // Only one tab at a time gets it: a transaction that writes sees no other.
  #lease() {
    return this.#within("readwrite", async (_entries, leases) => {
      const held = await asked(leases.get("sending"));
      if (held && held.by !== this.#me && held.until > Date.now()) return false;
      await asked(leases.put({ by: this.#me, until: Date.now() + LEASE_MS }, "sending"));
      return true;
    });
  }

  #endLease() {
    return this.#within("readwrite", async (_entries, leases) => {
      const held = await asked(leases.get("sending"));
      if (held?.by === this.#me) await asked(leases.delete("sending"));
    });
  }

  // One transaction: all of it, or nothing.
  async #within(mode, work) {
    this.#database ??= opened(this.#name);
    const database = await this.#database.catch((trouble) => {
      this.#database = undefined;
      throw trouble;
    });
    const transaction = database.transaction(["entries", "leases"], mode, { durability: "strict" });
    const end = new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
    end.catch(() => {}); // whoever waits below hears of it
    let answer;
    try {
      answer = await work(transaction.objectStore("entries"), transaction.objectStore("leases"));
    } catch (trouble) {
      if (mode === "readwrite") abort(transaction);
      throw trouble;
    }
    await end;
    return answer;
  }

  #tell() {
    this.onChange();
    this.#tabs?.postMessage("changed");
  }
}

function opened(name) {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(name, 1);
    opening.onupgradeneeded = () => {
      const entries = opening.result.createObjectStore("entries", { keyPath: "number", autoIncrement: true });
      entries.createIndex("key", "key", { unique: true });
      opening.result.createObjectStore("leases");
    };
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
}

function asked(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function abort(transaction) {
  try {
    transaction.abort();
  } catch {
    // It has ended by itself.
  }
}

const isWaiting = ({ state }) => state === "waiting";
const told = ({ key, card, amount, at }) => ({ key, card, amount, at });
