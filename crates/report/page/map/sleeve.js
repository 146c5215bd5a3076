// A cover: the album's own, or one made from its name.

function hashOf(text) {
  let hash = 0x811c9dc5;
  for (const letter of text) hash = Math.imul(hash ^ letter.codePointAt(0), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** Initials of up to two words. */
function initials(text) {
  const words = text.match(/[\p{L}\p{N}]+/gu) ?? [];
  return words.slice(0, 2).map((word) => [...word][0]).join("").toUpperCase();
}

/** An element of the cover of a track; decoration only. */
function sleeve(library, track) {
  const name = library.word("album", track) || library.artist(track) || library.title_(track);
  const hash = hashOf(name);
  const colour = (l, c, turn) => `rgb(${oklch(l, c, (hash % 360) + turn).join()})`;
  const element = make("span", { class: "sleeve", "aria-hidden": "true" }, initials(name) || "♪");
  element.style.background = `radial-gradient(circle at ${20 + (hash % 60)}% ${20 + ((hash >> 8) % 60)}%, ${colour(0.78, 0.13, 70)}, transparent 60%), linear-gradient(${hash % 360}deg, ${colour(0.5, 0.13, 0)}, ${colour(0.62, 0.12, 40)})`;
  const cover = library.cover(track);
  if (cover) {
    const image = make("img", { alt: "", src: cover, onerror: () => image.remove() });
    element.append(image);
  }
  return element;
}
