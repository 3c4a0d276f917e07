// The screen must not go dark in the queue. Where it may not be kept awake, it goes dark as always.
async function stayAwake() {
  if (document.hidden || !matchMedia("(pointer: coarse)").matches) return;
  try {
    await navigator.wakeLock?.request("screen");
  } catch {
    // The battery is low, or the browser does not want to.
  }
}

export function keepAwake() {
  document.addEventListener("visibilitychange", stayAwake);
  stayAwake();
}
