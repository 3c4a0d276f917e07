// What a cashier hears, feels, and sees from the corner of an eye: it went well, or it did not.

const TONES = {
  good: [[880, 0, 0.08], [1320, 0.08, 0.12]],
  bad: [[220, 0, 0.28]],
};
const SHAKES = { good: [60], bad: [90, 60, 90] };

let audio;

// Browsers let a page sound only after it was touched.
export function wake() {
  try {
    audio ??= new AudioContext();
    if (audio.state === "suspended") audio.resume().catch(() => {});
  } catch {
    // No sound here: colour and words remain.
  }
}

// `place` shows it for a moment, for who hears nothing.
export function tell(how, place) {
  place.dataset.heard = "";
  void place.offsetWidth; // without this, the second of two alike would not be seen
  place.dataset.heard = how;
  navigator.vibrate?.(SHAKES[how]);
  if (audio?.state !== "running") return;
  for (const [hertz, after, long] of TONES[how]) sound(hertz, audio.currentTime + after, long);
}

function sound(hertz, at, long) {
  const tone = audio.createOscillator();
  const loudness = audio.createGain();
  tone.type = "square";
  tone.frequency.value = hertz;
  loudness.gain.setValueAtTime(0.08, at);
  loudness.gain.exponentialRampToValueAtTime(0.001, at + long); // an edge would click
  tone.connect(loudness).connect(audio.destination);
  tone.start(at);
  tone.stop(at + long);
}
