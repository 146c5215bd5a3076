// Hands on the map: pointer, touch, wheel, keys.

const CLICK_PIXELS = 5;
const LASSO_STEP_PIXELS = 3;
const PAN_PIXELS = 90;

/** Whether keys belong to a field for text or to a list. */
function isTyping({ target }) {
  return target.closest?.("input:not([type=range]), select, textarea, dialog") != null;
}

class Hands {
  /** `map`: what to do, see `MusicMap`. */
  constructor(element, map) {
    Object.assign(this, { element, map, pointers: new Map(), path: null, moved: 0 });
    const on = (type, act, options) => element.addEventListener(type, act, options);
    on("pointerdown", (event) => this.#down(event));
    on("pointermove", (event) => this.#move(event));
    on("pointerup", (event) => this.#up(event));
    on("pointercancel", (event) => this.#cancel(event));
    on("pointerleave", (event) => event.pointerType === "mouse" && this.pointers.size === 0 && map.hover(NOTHING));
    on("wheel", (event) => this.#wheel(event), { passive: false });
    on("dblclick", (event) => map.pick(event.clientX, event.clientY) === NOTHING && map.zoomAt(event.clientX, event.clientY, 2));
    on("contextmenu", (event) => event.pointerType === "touch" && event.preventDefault());
    addEventListener("keydown", (event) => this.#key(event));
  }

  #down(event) {
    if (event.button !== 0) return;
    this.element.setPointerCapture(event.pointerId);
    this.element.focus({ preventScroll: true });
    this.pointers.set(event.pointerId, [event.clientX, event.clientY]);
    this.moved = this.pointers.size > 1 ? Infinity : 0;
    const draws = this.pointers.size === 1 && (event.shiftKey || this.map.lassoMode);
    this.path = draws ? [[event.clientX, event.clientY]] : null;
  }

  #move(event) {
    const { map, pointers } = this;
    const at = [event.clientX, event.clientY];
    const before = pointers.get(event.pointerId);
    if (!before) return event.pointerType === "mouse" ? map.hover(map.pick(...at), at) : undefined;
    pointers.set(event.pointerId, at);
    this.moved += Math.hypot(at[0] - before[0], at[1] - before[1]);
    if (this.path) {
      const last = this.path.at(-1);
      if (Math.hypot(at[0] - last[0], at[1] - last[1]) >= LASSO_STEP_PIXELS) this.path.push(at);
      return map.drawLasso(this.path);
    }
    if (pointers.size === 2) return this.#pinch(event.pointerId, before, at);
    if (this.moved > CLICK_PIXELS) map.pan(at[0] - before[0], at[1] - before[1]);
  }

  #pinch(id, before, at) {
    const [, other] = [...this.pointers].find(([pointer]) => pointer !== id);
    const [was, is] = [before, at].map((p) => Math.hypot(p[0] - other[0], p[1] - other[1]));
    this.map.pan((at[0] - before[0]) / 2, (at[1] - before[1]) / 2);
    if (was > 0 && is > 0) this.map.zoomAt((at[0] + other[0]) / 2, (at[1] + other[1]) / 2, is / was);
  }

  #up(event) {
    if (!this.pointers.delete(event.pointerId)) return;
    const path = this.path;
    this.path = null;
    if (path && this.moved > CLICK_PIXELS) return this.map.endLasso(path, event.shiftKey && this.map.lassoMode);
    if (path) this.map.drawLasso([]);
    if (this.moved <= CLICK_PIXELS) this.map.click(this.map.pick(event.clientX, event.clientY, event.pointerType === "touch"), [event.clientX, event.clientY]);
  }

  #cancel(event) {
    this.pointers.delete(event.pointerId);
    if (this.path) this.map.drawLasso([]);
    this.path = null;
  }

  #wheel(event) {
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 400 : 1;
    const step = Math.min(300, Math.max(-300, event.deltaY * lines));
    this.map.zoomAt(event.clientX, event.clientY, Math.exp(-step * (event.ctrlKey ? 0.01 : 0.002)));
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
    const { map } = this;
    const onButton = event.target.closest?.("button, summary, input") != null;
    const { key, shiftKey } = event;
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const acts = {
      "/": () => map.search.input.focus(),
      "?": () => map.help(),
      Escape: () => map.escape(),
      "+": () => map.zoomMiddle(1.5),
      "=": () => map.zoomMiddle(1.5),
      "-": () => map.zoomMiddle(1 / 1.5),
      0: () => map.home(),
      a: () => map.current !== NOTHING && map.selection.toggle(map.current),
      c: () => map.nextField(),
      l: () => map.setLasso(!map.lassoMode),
      m: () => map.setHoverPlays(!map.sound.hoverPlays),
      n: () => map.next(),
      p: () => map.previous(),
      t: () => map.nextTheme(),
    };
    if (arrows[key] && !onButton) {
      const [x, y] = arrows[key];
      if (shiftKey) map.pan(-x * PAN_PIXELS, -y * PAN_PIXELS);
      else map.step(x, y);
    } else if (key === " " && !onButton) map.space();
    else if (key === "Enter" && !onButton && map.current !== NOTHING) map.play(map.current);
    else if (/^[1-9]$/.test(key)) map.setProjection(Number(key) - 1);
    else if (acts[key]) acts[key]();
    else return;
    event.preventDefault();
  }
}
