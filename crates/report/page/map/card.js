// What is told of the track under the pointer.

class Card {
  constructor(element, library) {
    Object.assign(this, { element, library, track: NOTHING });
  }

  show(track, swatch) {
    const { library, element } = this;
    if (track !== this.track) {
      const facts = ["genre", "tempo", "key", "loudness"].map((key) => library.word(key, track)).filter(Boolean);
      const album = [library.word("album", track), library.word("year", track)].filter(Boolean).join(" · ");
      const length = minutes(library.seconds[track]);
      const words = make(
        "div",
        { class: "words" },
        make("strong", { dir: "auto" }, library.title_(track)),
        make("span", { dir: "auto" }, library.artist(track)),
        make("span", { class: "faint", dir: "auto" }, [album, length].filter(Boolean).join(" · ")),
        make("span", { class: "chips" }, ...facts.map((fact) => make("span", { class: "chip", dir: "auto" }, fact))),
      );
      element.replaceChildren(sleeve(library, track), words);
    }
    this.track = track;
    element.style.setProperty("--swatch", `rgb(${swatch.join()})`);
    element.hidden = false;
  }

  /** Puts it beside a place of the screen, inside of the window. */
  place(px, py, view) {
    const { offsetWidth: width, offsetHeight: height } = this.element;
    const right = px + 18 + width < view.width - 8;
    const x = right ? px + 18 : Math.max(8, px - 18 - width);
    const y = Math.min(view.height - height - 8, Math.max(8, py - height / 2));
    this.element.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
  }

  hide() {
    this.track = NOTHING;
    this.element.hidden = true;
  }
}
