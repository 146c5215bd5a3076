// How both elements look: one set of colours, light and dark, that a page can change by custom properties.

export const LOOK = `
:host {
  color-scheme: light dark;
  --paper: var(--melisma-background, light-dark(#ffffff, #171a1e));
  --ink: var(--melisma-color, light-dark(#1b1f24, #e6e9ec));
  --faint: var(--melisma-faint, light-dark(#59636e, #9aa4ae));
  --line: var(--melisma-line, light-dark(#d0d5db, #3a4149));
  --accent: var(--melisma-accent, light-dark(#1f5fa8, #7db4f0));
  --on-accent: var(--melisma-on-accent, light-dark(#ffffff, #10202f));
  --warn: light-dark(#9a3b00, #ffb27a);
  display: block;
  color: var(--ink);
  background: var(--paper);
  border: 1px solid var(--line);
  border-radius: 0.6rem;
  font: 1rem/1.4 system-ui, sans-serif;
  container-type: inline-size;
}
:host([hidden]), [hidden] { display: none !important; }
* { box-sizing: border-box; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
button, select { font: inherit; color: inherit; background: transparent; border: 1px solid var(--line); border-radius: 0.4rem; padding: 0.25rem 0.6rem; cursor: pointer; }
button:hover:not(:disabled) { border-color: var(--accent); }
button:disabled { opacity: 0.5; cursor: default; }
.faint { color: var(--faint); font-size: 0.875rem; }
.says { margin: 0; font-size: 0.875rem; }
.says.wrong { color: var(--warn); }
@media (prefers-reduced-motion: reduce) { *, *::before, *::after { transition: none !important; animation: none !important; } }
`;
