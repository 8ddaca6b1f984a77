"use strict";
// The heap is that of JavaScript. What is counted here is how much of it a program could still reach.
const { Text, List, Table, Closure } = require("./values");

const BYTES_OF_A_CELL = 8;

/** How many cells a string of so many bytes takes when it is made at run time. */
const cellsOfText = (bytes) => 1 + Math.ceil(bytes / BYTES_OF_A_CELL);

/** How many cells a property takes. */
const cellsOfProperty = (key) => 2 + Math.floor(Buffer.byteLength(key) / BYTES_OF_A_CELL);

/** How many cells properties take, and what they hold. */
function inspectProperties(properties) {
  let cells = 0;
  for (const key of properties.keys()) cells += cellsOfProperty(key);
  return [1 + cells, properties.values()];
}

/** The cells of an object itself, and what it refers to. */
function inspect(object) {
  if (object instanceof Text) return [object.constant ? 0 : cellsOfText(object.bytes), []];
  if (object instanceof List) return [1 + object.elements.length, object.elements];
  if (object instanceof Table) return inspectProperties(object.properties);
  if (object instanceof Closure) return [1 + object.captures.length, object.captures];
  return [1, [object.value]]; // a captured variable
}

/** How many cells can be reached from some values. */
function liveCells(roots) {
  const seen = new Set();
  const waiting = [];
  const meet = (values) => {
    for (const value of values) {
      if (value === null || typeof value !== "object" || seen.has(value)) continue;
      seen.add(value);
      waiting.push(value);
    }
  };
  meet(roots);
  let cells = 0;
  while (waiting.length) {
    const [own, inside] = inspect(waiting.pop());
    cells += own;
    meet(inside);
  }
  return cells;
}

module.exports = { liveCells, cellsOfProperty, cellsOfText };
