// Points drawn by WebGL2: positions stay on the card, a frame is three calls.

/** What a point is: it is drawn later, and stands out more, the higher the number. */
const FAINT = 0;
const PLAIN = 1;
const STRONG = 2;

const VERTEX = `#version 300 es
in vec2 from; in vec2 to; in vec3 colour; in float state;
uniform vec2 middle; uniform vec2 viewport; uniform float scale; uniform float part;
uniform float radius; uniform float pass; uniform float ratio;
out vec4 paint; out float size;
void main() {
  // Each point sets off at its own moment.
  float late = fract(sin(float(gl_VertexID) * 12.9898) * 43758.5453) * 0.25;
  float t = clamp((part - late) / 0.75, 0.0, 1.0);
  t = t * t * (3.0 - 2.0 * t);
  vec2 at = (mix(from, to, t) - middle) * scale / (0.5 * viewport);
  gl_Position = abs(state - pass) < 0.5 ? vec4(at.x, -at.y, 0.0, 1.0) : vec4(3.0, 3.0, 3.0, 1.0);
  float r = radius * (pass > 1.5 ? 1.3 : pass < 0.5 ? 0.8 : 1.0);
  size = 2.0 * r * ratio + 2.0;
  gl_PointSize = size;
  paint = vec4(colour, pass < 0.5 ? 0.13 : pass > 1.5 ? 1.0 : 0.92);
}`;

const FRAGMENT = `#version 300 es
precision mediump float;
in vec4 paint; in float size;
uniform vec3 paper;
out vec4 result;
void main() {
  float r = length(gl_PointCoord - 0.5) * size;
  float edge = 0.5 * size - 1.0;
  float cover = clamp(edge - r + 0.5, 0.0, 1.0);
  if (cover <= 0.0) discard;
  // A rim of paper keeps neighbours apart, where there is room for it.
  float rim = edge > 4.0 && paint.a > 0.5 ? clamp(r - edge + 1.7, 0.0, 1.0) * 0.75 : 0.0;
  float alpha = paint.a * cover;
  result = vec4(mix(paint.rgb, paper, rim) * alpha, alpha);
}`;

class GlPoints {
  /** Throws if the browser or the machine has no WebGL2. */
  constructor(canvas, count) {
    const gl = canvas.getContext("webgl2", { antialias: false, premultipliedAlpha: true });
    if (!gl) throw new Error("no WebGL2");
    Object.assign(this, { canvas, gl, count, name: "webgl2" });
    canvas.addEventListener("webglcontextlost", (event) => {
      event.preventDefault();
      this.isLost = true;
    });
    canvas.addEventListener("webglcontextrestored", () => {
      this.isLost = false;
      this.#build();
      this.onrestored?.();
    });
    this.#build();
  }

  #build() {
    const { gl } = this;
    const program = gl.createProgram();
    for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(`the points' program: ${gl.getProgramInfoLog(program)}`);
    gl.useProgram(program);
    this.uniforms = Object.fromEntries(["middle", "viewport", "scale", "part", "radius", "pass", "ratio", "paper"].map((name) => [name, gl.getUniformLocation(program, name)]));
    const buffer = (name, size, type, normalised) => {
      const handle = gl.createBuffer();
      const place = gl.getAttribLocation(program, name);
      gl.bindBuffer(gl.ARRAY_BUFFER, handle);
      gl.enableVertexAttribArray(place);
      gl.vertexAttribPointer(place, size, type, normalised, 0, 0);
      return handle;
    };
    this.buffers = {
      from: buffer("from", 2, gl.UNSIGNED_SHORT, true),
      to: buffer("to", 2, gl.UNSIGNED_SHORT, true),
      colour: buffer("colour", 3, gl.UNSIGNED_BYTE, true),
      state: buffer("state", 1, gl.UNSIGNED_BYTE, false),
    };
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }

  #put(name, values) {
    const { gl } = this;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers[name]);
    gl.bufferData(gl.ARRAY_BUFFER, values, gl.DYNAMIC_DRAW);
  }

  setPositions(from, to) {
    this.#put("from", from);
    this.#put("to", to);
  }

  /** RGB of each point. */
  setColours(colours) {
    this.#put("colour", colours);
  }

  setStates(states) {
    this.#put("state", states);
    this.hasState = [FAINT, PLAIN, STRONG].map((state) => states.includes(state));
  }

  /** `part`: how far the points are on their way, 0 to 1. */
  draw(view, { part, radius, paper, ratio }) {
    const { gl, uniforms, canvas } = this;
    if (this.isLost) return;
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.uniform2f(uniforms.middle, view.x, view.y);
    gl.uniform2f(uniforms.viewport, view.width, view.height);
    gl.uniform1f(uniforms.scale, view.scale);
    gl.uniform1f(uniforms.part, part);
    gl.uniform1f(uniforms.radius, radius);
    gl.uniform1f(uniforms.ratio, ratio);
    gl.uniform3f(uniforms.paper, ...paper.map((value) => value / 255));
    for (const pass of [FAINT, PLAIN, STRONG]) {
      if (!this.hasState[pass]) continue;
      gl.uniform1f(uniforms.pass, pass);
      gl.drawArrays(gl.POINTS, 0, this.count);
    }
  }
}
