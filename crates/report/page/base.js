// What the other parts build on: elements whose text is always text, and packed data.

/** An element: `make("button", {type: "button", onclick: f}, "Play", child, ...)`. Strings become text nodes. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (typeof value === "boolean") element.toggleAttribute(name, value);
    else if (value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

function button(text, onclick, attributes = {}) {
  return make("button", { type: "button", onclick, ...attributes }, text);
}

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

/** Bytes of base64 of gzip. */
async function unpacked(base64) {
  const stream = new Blob([bytesOf(base64)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function clock(seconds) {
  const tenths = Math.floor(Math.max(0, seconds) * 10 + 1e-6);
  return `${Math.floor(tenths / 600)}:${String(Math.floor(tenths / 10) % 60).padStart(2, "0")}.${tenths % 10}`;
}

/** An element of a drawing: `shape("path", { d: "M0 0" }, child, ...)`. Strings become text nodes. */
function shape(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

/** Says above the page that a part of it could not be drawn; the others go on. */
function tellFailure(error) {
  console.error(error);
  document.querySelector("header").append(noteBlock({ text: `A part of this page could not be drawn: ${error.message}`, warning: true }));
}

const waiting = [];
let working = false;

/** Runs `work` after what was asked for before, one at a time, so that the page stays usable. */
async function later(work) {
  waiting.push(work);
  if (working) return;
  working = true;
  while (waiting.length > 0) {
    await new Promise((resolve) => setTimeout(resolve));
    try {
      await waiting.shift()();
    } catch (error) {
      tellFailure(error);
    }
  }
  working = false;
  document.documentElement.dataset.drawn = "true";
}
