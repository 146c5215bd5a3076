// What a field's values look like: entries of the legend, and a colour for each track.

const MOST_NAMES = 20; // more colours than this nobody tells apart
const MOST_BINS = 10;

/** `[red, green, blue]` of `#rrggbb`. */
function channelsOf(colour) {
  const digits = Number.parseInt(colour.slice(1), 16);
  return [(digits >> 16) & 255, (digits >> 8) & 255, digits & 255];
}

function mixed(from, to, part) {
  return from.map((value, i) => Math.round(value + (to[i] - value) * part));
}

function lightness([r, g, b]) {
  return (0.299 * r + 0.587 * g + 0.114 * b) / 255;
}

/** sRGB of a colour in OKLCH (Björn Ottosson, "A perceptual color space for image processing", 2020). */
function oklch(l, c, degrees) {
  const [a, b] = [c * Math.cos((degrees * Math.PI) / 180), c * Math.sin((degrees * Math.PI) / 180)];
  const [x, y, z] = [l + 0.3963377774 * a + 0.2158037573 * b, l - 0.1055613458 * a - 0.0638541728 * b, l - 0.0894841775 * a - 1.291485548 * b].map((v) => v ** 3);
  const linear = [4.0767416621 * x - 3.3077115913 * y + 0.2309699292 * z, -1.2684380046 * x + 2.6097574011 * y - 0.3413193965 * z, -0.0041960863 * x - 0.7034186147 * y + 1.707614701 * z];
  return linear.map((v) => Math.round(255 * Math.min(1, Math.max(0, v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055))));
}

/** The colour of the `rank`-th most frequent name. */
function nameColour(palette, rank, dark) {
  const base = channelsOf(palette.names[rank % palette.names.length]);
  const round = Math.floor(rank / palette.names.length);
  const white = [255, 255, 255];
  const first = dark && lightness(base) < 0.45 ? mixed(base, white, 0.3) : base;
  return round === 0 ? first : dark ? mixed(first, white, 0.45) : mixed(base, lightness(base) > 0.5 ? [0, 0, 0] : white, 0.4);
}

/** The colour at `part` (0 to 1) of the ramp, without the end that vanishes on the paper. */
function rampColour(palette, part, dark) {
  const place = (dark ? 0.16 + 0.84 * part : 0.9 * part) * (palette.ramp.length - 1);
  const below = Math.min(palette.ramp.length - 2, Math.floor(place));
  return mixed(channelsOf(palette.ramp[below]), channelsOf(palette.ramp[below + 1]), place - below);
}

/** A keynote's colour: neighbours on the circle of fifths are neighbours in hue, minor keys are the deeper ones. */
function keyColour(index, dark) {
  const minor = index >= 12;
  return oklch(minor ? (dark ? 0.6 : 0.5) : dark ? 0.8 : 0.72, minor ? 0.11 : 0.13, (index % 12) * 30 + 20);
}

function greyOf(dark) {
  return dark ? [112, 120, 130] : [150, 156, 163];
}

/** A step of 1, 2 or 5 times a power of ten that cuts a range into at most `MOST_BINS` pieces. */
function niceStep(low, high) {
  const rough = Math.max(1e-9, (high - low) / MOST_BINS);
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((times) => times * power).find((step) => step >= rough * 0.999);
}

/** How one field is shown: `entries` of the legend, `entryOf` each track, `colours` as RGB of each track. */
class Colouring {
  constructor(library, field, dark) {
    this.field = field;
    this.entryOf = new Uint16Array(library.count);
    this.colours = new Uint8Array(3 * library.count);
    if (field.kind === "range") this.#range(library, field, dark);
    else this.#names(library, field, dark);
    this.entries.forEach((entry) => (entry.count = 0));
    for (const entry of this.entryOf) this.entries[entry].count++;
    this.isPlain = this.entries.filter((entry) => entry.count > 0).length < 2;
  }

  #names(library, field, dark) {
    const counts = new Uint32Array(field.names.length);
    for (const index of field.of) if (index !== NOTHING) counts[index]++;
    let ranked = [...counts.keys()].filter((name) => counts[name] > 0);
    if (field.kind !== "circle") ranked.sort((a, b) => counts[b] - counts[a] || a - b);
    const shown = field.kind === "circle" || ranked.length <= MOST_NAMES + 1 ? ranked : ranked.slice(0, MOST_NAMES);
    const entryOfName = new Int32Array(field.names.length).fill(NOTHING);
    this.entries = shown.map((name, rank) => {
      entryOfName[name] = rank;
      const colour = field.kind === "circle" ? keyColour(name, dark) : nameColour(library.palette, rank, dark);
      return { name: field.names[name], colour };
    });
    const rest = ranked.length - shown.length;
    const other = rest > 0 ? this.entries.push({ name: `${rest} others`, colour: greyOf(dark), faint: true }) - 1 : NOTHING;
    const none = this.entries.push({ name: `no ${field.label.toLowerCase()}`, colour: mixed(greyOf(dark), dark ? [0, 0, 0] : [255, 255, 255], 0.3), faint: true }) - 1;
    field.of.forEach((index, track) => {
      const entry = index === NOTHING ? none : entryOfName[index] === NOTHING ? other : entryOfName[index];
      this.entryOf[track] = entry;
      this.colours.set(this.entries[entry].colour, 3 * track);
    });
  }

  #range(library, field, dark) {
    // The ramp goes from the 2nd to the 98th percentile: one odd value must not take all colours.
    const sorted = field.of.filter((value) => !Number.isNaN(value)).sort();
    const at = (part) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
    const [low, high] = [at(0.02), at(0.98)];
    const part = (value) => (high > low ? Math.min(1, Math.max(0, (value - low) / (high - low))) : 0.5);
    const step = Math.max(niceStep(low, high), 10 ** -field.digits);
    const first = Math.floor(low / step + 1e-9);
    const bins = Math.min(MOST_BINS + 2, Math.max(1, Math.ceil(high / step + 1e-6) - first));
    const text = (value) => value.toFixed(Math.max(0, Math.min(field.digits, -Math.floor(Math.log10(step))))).replace("-", "−");
    this.entries = Array.from({ length: bins }, (_, bin) => {
      const from = (first + bin) * step;
      const to = from + step - (field.digits === 0 ? 1 : 0);
      const name = bins > 2 && bin === 0 ? `below ${text(from + step)}` : bins > 2 && bin === bins - 1 ? `from ${text(from)}` : to > from ? `${text(from)} to ${text(to)}` : text(from);
      return { name: name, colour: rampColour(library.palette, part(from + step / 2), dark) };
    });
    const none = this.entries.push({ name: `no ${field.label.toLowerCase()}`, colour: greyOf(dark), faint: true }) - 1;
    field.of.forEach((value, track) => {
      const missing = Number.isNaN(value);
      this.entryOf[track] = missing ? none : Math.min(bins - 1, Math.max(0, Math.floor(value / step + 1e-6) - first));
      this.colours.set(missing ? this.entries[none].colour : rampColour(library.palette, part(value), dark), 3 * track);
    });
  }
}
