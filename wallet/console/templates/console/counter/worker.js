// Has the cashier's page open without a network: the page as the server last gave it to somebody who was
// signed in (it says nothing of guests), and the files that it is made of. Guests, acts and whatever else
// is asked for come from the server alone and are never kept.
//
// Files have their version in their address, so one that is kept is never wrong. A new version of this
// script begins when no page of the counter is open any more: until then nothing is taken away.

const PAGE = {{ page | tojson }};
const FILES = {{ files | tojson }};
const LATER = {{ later | tojson }}; // kept once they were used: the scanner is large
const KEPT = `counter ${PAGE}`;
const PATIENCE_MS = 5000; // a network that answers later than that is none

self.addEventListener("install", (event) => event.waitUntil(bring()));
self.addEventListener("activate", (event) => event.waitUntil(Promise.all([tidy(), self.clients.claim()])));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (request.mode === "navigate") {
    if (url.pathname === PAGE) event.respondWith(page(request));
  } else if (isFile(url)) {
    event.respondWith(file(request));
  }
});

const path = (url) => url.pathname + url.search;
const isFile = (url) => url.pathname.startsWith({{ static_path | tojson }});

async function bring() {
  const cache = await caches.open(KEPT);
  const there = new Set((await cache.keys()).map(({ url }) => path(new URL(url))));
  await cache.addAll(FILES.filter((one) => !there.has(one)));
  const answer = await fetch(PAGE, { redirect: "manual" });
  if (answer.ok) await cache.put(PAGE, answer);
}

async function tidy() {
  const cache = await caches.open(KEPT);
  const wanted = new Set([PAGE, ...FILES, ...LATER]);
  const left = (await cache.keys()).filter(({ url }) => !wanted.has(path(new URL(url))));
  await Promise.all(left.map((one) => cache.delete(one)));
}

async function page(request) {
  const cache = await caches.open(KEPT);
  const kept = await cache.match(PAGE);
  const coming = fetch(request).then(async (answer) => {
    if (answer.ok && !answer.redirected) await cache.put(PAGE, answer.clone());
    return answer;
  });
  if (!kept) return coming;
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS, kept));
  return Promise.race([coming.catch(() => kept), late]);
}

async function file(request) {
  const cache = await caches.open(KEPT);
  const kept = await cache.match(request);
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok && answer.headers.get("Cache-Control")?.includes("immutable")) await cache.put(request, answer.clone());
  return answer;
}
