// From values to places along an axis, and the round values that are labelled. An axis is {label, log, octaves, range}:
// `range` holds the values at its ends, `octaves` asks for labels at powers of two.

const MOST_TICKS = 9;
/** Room beside the outermost values, as a part of the axis. */
const ROOM = 0.04;

/** Whether a value has a place on an axis. */
function hasPlace({ log }, value) {
  return Number.isFinite(value) && (!log || value > 0);
}

/** An axis that holds all values with some room beside them. */
function around(axis, values) {
  const shown = values.filter((value) => hasPlace(axis, value));
  if (shown.length === 0) return { ...axis, range: axis.log ? [1, 2] : [0, 1] };
  const measure = axis.log ? Math.log : (value) => value;
  const [low, high] = [Math.min(...shown), Math.max(...shown)].map(measure);
  const room = high > low ? ROOM * (high - low) : Math.max(Math.abs(high) / 2, 0.5);
  const range = [low - room, high + room];
  return { ...axis, range: axis.log ? range.map(Math.exp) : range };
}

/** A function from values to pixels, linear or logarithmic; its `value` leads back. */
function scaleOf({ log, range: [low, high] }, [from, to]) {
  const measure = log ? Math.log : (value) => value;
  const scale = (value) => from + ((measure(value) - measure(low)) / (measure(high) - measure(low))) * (to - from);
  scale.value = (pixel) => {
    const part = (pixel - from) / (to - from);
    return log ? low * (high / low) ** part : low + part * (high - low);
  };
  return scale;
}

function holds({ log, range }, value) {
  const [low, high, place] = [...range, value].map(log ? Math.log : (same) => same);
  const room = 1e-9 * (high - low);
  return place >= low - room && place <= high + room;
}

function integers(from, to) {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);
}

/** Every nth of some integers, so that there are few enough; n divides those that stay. */
function thinned(exponents) {
  const every = Math.max(1, Math.ceil(exponents.length / MOST_TICKS));
  return exponents.filter((exponent) => exponent % every === 0);
}

function powersOfTwo(axis) {
  const [first, last] = axis.range.map(Math.log2);
  return thinned(integers(Math.floor(first), Math.ceil(last)).filter((exponent) => holds(axis, 2 ** exponent))).map((exponent) => 2 ** exponent);
}

function ofDecades(axis) {
  const [first, last] = axis.range.map(Math.log10);
  const exponents = integers(Math.floor(first), Math.ceil(last));
  const fine = exponents.flatMap((exponent) => [1, 2, 5].map((step) => Number(`${step}e${exponent}`))).filter((value) => holds(axis, value));
  if (fine.length <= MOST_TICKS) return fine;
  const powers = exponents.filter((exponent) => holds(axis, 10 ** exponent));
  return thinned(powers).map((exponent) => 10 ** exponent);
}

function multiples(axis, most) {
  const [low, high] = axis.range;
  const rough = (high - low) / most;
  if (!(rough > 0 && Number.isFinite(rough))) return [];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= 0.999 * rough);
  const first = Math.ceil(low / step - 1e-9);
  return integers(first, first + MOST_TICKS).map((index) => index * step).filter((value) => holds(axis, value));
}

/** The round values of an axis, from below; about `most` of them on a linear one. */
function ticks(axis, most = 6) {
  const values = !axis.log ? [] : axis.octaves ? powersOfTwo(axis) : ofDecades(axis);
  // A short logarithmic axis may hold no round value of its kind.
  return values.length < 2 ? multiples(axis, most) : values;
}

/** `0.002`, `8`, `100`, `1e-7`: no zeros that say nothing. */
function tickText(value) {
  return String(Number(value.toPrecision(6)));
}

/** About three digits: `0.00412`, `12.8`, `1240`. */
function threeDigits(value) {
  return Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}
