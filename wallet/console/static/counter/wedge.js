// A scanner that is plugged in types what it read, wherever the page's focus is, faster than a hand
// can, and ends with Enter or Tab. What it types lands nowhere: a field that had the focus is given
// back what it held.
//
// A scanner presses keys by their place, as on an American keyboard. If the computer's layout makes
// Cyrillic letters of that, all of it is read again by place.

const LONGEST_GAP_MS = 60; // between two strokes of a scanner; between those of a fast hand it is 80 or more
const FEWEST = 4; // no card number is shorter

const PLACES = {
  Minus: "-_", Equal: "=+", BracketLeft: "[{", BracketRight: "]}", Backslash: "\\|", Semicolon: ";:",
  Quote: "'\"", Backquote: "`~", Comma: ",<", Period: ".>", Slash: "/?", Space: "  ",
  NumpadDivide: "//", NumpadMultiply: "**", NumpadSubtract: "--", NumpadAdd: "++", NumpadDecimal: "..",
};
const ABOVE_DIGITS = ")!@#$%^&*(";
const MODIFIERS = ["Shift", "CapsLock", "NumLock", "Alt", "AltGraph", "Control", "Meta"];
const FOREIGN = /[^ -~]/;

// Calls `onScan` with each code that a scanner typed into the page. Returns what ends it.
export function listen(onScan, page = document) {
  let strokes = [];
  let held = new Map(); // fields that had the focus, each with what it held before the strokes came
  let last = 0;

  function hear(event) {
    if (MODIFIERS.includes(event.key)) return;
    const isFast = strokes.length > 0 && event.timeStamp - last < LONGEST_GAP_MS;
    last = event.timeStamp;
    if (event.key === "Enter" || event.key === "Tab") {
      if (isFast && strokes.length >= FEWEST) end(event);
      strokes = [];
    } else if (event.ctrlKey || event.metaKey || event.altKey || !isSign(event)) {
      strokes = [];
    } else {
      if (!isFast) {
        strokes = [];
        held = new Map();
      }
      hold(page.activeElement, held);
      strokes.push({ key: event.key, code: event.code, isShifted: event.shiftKey });
    }
  }

  function end(event) {
    event.preventDefault();
    event.stopImmediatePropagation();
    giveBack(held);
    onScan(typed(strokes));
  }

  page.addEventListener("keydown", hear, { capture: true });
  return () => page.removeEventListener("keydown", hear, { capture: true });
}

function isSign(event) {
  return event.key.length === 1 || placed(event) !== "";
}

function typed(strokes) {
  const isForeign = strokes.some(({ key }) => key.length !== 1 || FOREIGN.test(key));
  return strokes.map((stroke) => (isForeign ? placed(stroke) : stroke.key)).join("");
}

// What a key has on it on an American keyboard.
function placed({ code, key, isShifted }) {
  const letter = /^Key([A-Z])$/.exec(code)?.[1];
  if (letter) return isLarge(key, isShifted) ? letter : letter.toLowerCase();
  const digit = /^(Digit|Numpad)([0-9])$/.exec(code);
  if (digit) return isShifted && digit[1] === "Digit" ? ABOVE_DIGITS[digit[2]] : digit[2];
  return PLACES[code]?.[isShifted ? 1 : 0] ?? "";
}

// Caps Lock may be on: the letter itself tells, whatever its alphabet.
function isLarge(key, isShifted) {
  return key.length === 1 && key.toLowerCase() !== key.toUpperCase() ? key === key.toUpperCase() : isShifted;
}

function hold(field, held) {
  if (field?.matches("input, textarea") && !held.has(field)) held.set(field, field.value);
}

function giveBack(held) {
  for (const [field, value] of held) {
    if (field.value === value) continue;
    field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
}
