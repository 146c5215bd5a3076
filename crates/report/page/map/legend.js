// What the colours mean; a click keeps only what has one.

class Legend {
  /** `onchange` after a click; `kept` holds the entries that are kept, none means all. */
  constructor(element, onchange) {
    Object.assign(this, { element, onchange, kept: new Set() });
  }

  show(colouring) {
    const { field, entries } = colouring;
    this.kept.clear();
    const most = Math.max(1, ...entries.map((entry) => entry.count));
    this.buttons = new Map();
    const rows = entries.flatMap((entry, index) => {
      if (entry.count === 0) return [];
      const swatch = make("span", { class: "swatch" });
      swatch.style.background = `rgb(${entry.colour.join()})`;
      const row = button("", () => this.#click(index), { "aria-pressed": "false", class: entry.faint ? "faint" : undefined });
      row.append(swatch, make("span", { class: "name", dir: "auto" }, entry.name), make("span", { class: "count" }, entry.count.toLocaleString("en")));
      row.style.setProperty("--part", `${(100 * entry.count) / most}%`);
      this.buttons.set(index, row);
      return [make("li", {}, row)];
    });
    this.clear_ = button("Show all", () => this.clear(), { class: "clear", hidden: true });
    const body = make("details", { open: this.element.querySelector("details")?.open ?? innerWidth > 760 }, make("summary", {}, make("h2", {}, field.label), this.clear_), make("ul", {}, ...rows));
    this.element.replaceChildren(body);
  }

  #click(index) {
    if (!this.kept.delete(index)) this.kept.add(index);
    if (this.kept.size === this.buttons.size) this.kept.clear();
    this.#told();
  }

  clear() {
    if (this.kept.size === 0) return false;
    this.kept.clear();
    this.#told();
    return true;
  }

  #told() {
    this.clear_.hidden = this.kept.size === 0;
    this.element.classList.toggle("filtered", this.kept.size > 0);
    for (const [index, row] of this.buttons) row.setAttribute("aria-pressed", String(this.kept.has(index)));
    this.onchange();
  }

  keeps(entry) {
    return this.kept.size === 0 || this.kept.has(entry);
  }
}
