// The search: all that match light up, the best of them in a list.

const MOST_RESULTS = 60;
const TYPING_MS = 120;

class Search {
  /** `onfind(matches or null)` while typing, `onpick(track)` for one of the list. */
  constructor({ library, onfind, onpick }) {
    Object.assign(this, { library, onfind, onpick, active: NOTHING, found: [] });
    this.input = make("input", {
      type: "search",
      id: "search",
      placeholder: "Search title, artist, album",
      autocomplete: "off",
      spellcheck: "false",
      role: "combobox",
      "aria-label": "Search title, artist, album",
      "aria-controls": "results",
      "aria-expanded": "false",
      "aria-keyshortcuts": "/",
      oninput: () => this.#soon(),
      onkeydown: (event) => this.#key(event),
      onfocus: () => this.#open(this.found.length > 0),
    });
    this.told = make("p", { class: "faint found", role: "status" });
    this.list = make("ul", { id: "results", role: "listbox", "aria-label": "Tracks found", hidden: true });
    this.element = make("div", { class: "search", role: "search" }, this.input, make("kbd", { "aria-hidden": "true" }, "/"), this.told, this.list);
    this.element.addEventListener("focusout", (event) => this.element.contains(event.relatedTarget) || this.#open(false));
  }

  #soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#find(), TYPING_MS);
  }

  #find() {
    const text = this.input.value.trim();
    this.active = NOTHING;
    this.found = [];
    if (text === "") {
      this.told.textContent = "";
      this.#open(false);
      return this.onfind(null);
    }
    const matches = this.library.search(text);
    let count = 0;
    const words = folded(text);
    // Titles and artists that begin with what was typed come first.
    const first = [];
    matches.forEach((match, track) => {
      if (!match) return;
      count++;
      const begins = folded(this.library.titles[track]).startsWith(words) || folded(this.library.artist(track)).startsWith(words);
      if (begins && first.length < MOST_RESULTS) first.push(track);
      else if (this.found.length < MOST_RESULTS) this.found.push(track);
    });
    this.found = [...first, ...this.found].slice(0, MOST_RESULTS);
    this.told.textContent = count === 0 ? "Nothing found" : `${count.toLocaleString("en")} ${count === 1 ? "track" : "tracks"}`;
    this.list.replaceChildren(...this.found.map((track, index) => this.#row(track, index)));
    this.#open(this.found.length > 0);
    this.onfind(matches);
  }

  #row(track, index) {
    const album = [this.library.artist(track), this.library.word("album", track)].filter(Boolean).join(" · ");
    return make(
      "li",
      { role: "option", id: `result-${index}`, "aria-selected": "false", onpointerdown: (event) => event.preventDefault(), onclick: () => this.#pick(index) },
      sleeve(this.library, track),
      make("span", { class: "words" }, make("span", { dir: "auto" }, this.library.title_(track)), make("span", { class: "faint", dir: "auto" }, album)),
    );
  }

  #open(open) {
    this.list.hidden = !open;
    this.input.setAttribute("aria-expanded", String(open));
    if (!open) this.input.removeAttribute("aria-activedescendant");
  }

  #pick(index) {
    this.#open(false);
    this.onpick(this.found[index]);
  }

  #key(event) {
    const { key } = event;
    if (key === "Escape") {
      if (this.input.value !== "") this.clear();
      else this.input.blur();
    } else if (key === "Enter") {
      clearTimeout(this.timer);
      if (this.found.length === 0) this.#find();
      if (this.found.length > 0) this.#pick(Math.max(0, this.active));
    } else if ((key === "ArrowDown" || key === "ArrowUp") && this.found.length > 0) {
      this.#open(true);
      const step = key === "ArrowDown" ? 1 : -1;
      this.active = (this.active + step + this.found.length + (this.active === NOTHING && step < 0 ? 1 : 0)) % this.found.length;
      [...this.list.children].forEach((row, index) => row.setAttribute("aria-selected", String(index === this.active)));
      this.list.children[this.active].scrollIntoView({ block: "nearest" });
      this.input.setAttribute("aria-activedescendant", `result-${this.active}`);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  clear() {
    if (this.input.value === "") return false;
    this.input.value = "";
    clearTimeout(this.timer);
    this.#find();
    return true;
  }
}
