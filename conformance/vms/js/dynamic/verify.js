"use strict";
// Verification of functions (docs/cases.md, "Reject reasons"). Each is walked for itself: it has a stack of its own,
// which is empty when it begins, and what a call does to it does not depend on the callee.
const { Text } = require("./values");

const REASONS = [
  "bad_index",
  "type_mismatch",
  "bad_jump",
  "falls_off_end",
  "stack_underflow",
  "stack_overflow",
  "stack_mismatch",
  "bad_limit",
];

/** The faults as { at, reason }, in order. */
function verify(machine, module, program) {
  const faults = [];
  const add = (at, reason) => faults.push({ at, reason });
  for (const instruction of program.values()) {
    const fault = nameFault(module, instruction) ?? jumpFault(program, instruction);
    if (fault) add(instruction.at, fault);
  }
  for (const owner of module.functions) {
    const variables = Math.max(owner.locals, owner.captures.length);
    if (owner.maxStack > machine.stackLimit || variables > machine.variableLimit) add(owner.start, "bad_limit");
    if (owner.length === 0) add(owner.start, "falls_off_end");
    else walk(machine, program, owner, add);
  }
  return faults.sort((a, b) => a.at - b.at || REASONS.indexOf(a.reason) - REASONS.indexOf(b.reason));
}

/** Whether an operand names what is not there. */
function nameFault(module, { form, owner, raw, operand }) {
  switch (form.operand) {
    case "local":
      return raw >= owner.locals ? "bad_index" : null;
    case "upvalue":
      return raw >= owner.captures.length ? "bad_index" : null;
    case "const":
      return operand === undefined ? "bad_index" : null;
    case "name":
      if (operand === undefined) return "bad_index";
      return operand instanceof Text ? null : "type_mismatch";
    case "func":
      return operand === undefined || !canCapture(owner, operand) ? "bad_index" : null;
    default:
      return null;
  }
}

/** Whether all that a closure of a function captures is there where it is made. */
function canCapture(owner, target) {
  const there = { local: owner.locals, upvalue: owner.captures.length };
  return target.captures.every(({ from, index }) => index < there[from]);
}

/** A jump stays within its function. */
function jumpFault(program, instruction) {
  return instruction.target === undefined || leadsTo(program, instruction) ? null : "bad_jump";
}

function leadsTo(program, { owner, target }) {
  return program.get(target)?.owner === owner;
}

function walk(machine, program, owner, add) {
  const heights = new Map([[owner.start, 0]]);
  const waiting = [owner.start];
  const clashes = new Set();
  let tooDeep = Infinity;
  while (waiting.length) {
    // The lowest offset comes first.
    const at = waiting.splice(waiting.indexOf(Math.min(...waiting)), 1)[0];
    const instruction = program.get(at);
    const [takes, leaves] = machine.effect(instruction);
    const height = heights.get(at) - takes + leaves;
    if (heights.get(at) < takes) {
      add(at, "stack_underflow");
      continue;
    }
    if (height > owner.maxStack) tooDeep = Math.min(tooDeep, at);
    if (height > machine.stackLimit) {
      add(at, "stack_overflow");
      continue;
    }
    for (const next of followers(program, instruction, add)) {
      if (!heights.has(next)) {
        heights.set(next, height);
        waiting.push(next);
      } else if (heights.get(next) !== height) clashes.add(next);
    }
  }
  for (const at of clashes) add(at, "stack_mismatch");
  if (tooDeep < Infinity) add(tooDeep, "bad_limit");
}

/** Where execution can go on. */
function followers(program, instruction, add) {
  const { form, owner, at, next, target } = instruction;
  const following = target !== undefined && leadsTo(program, instruction) ? [target] : [];
  if (form.ends) return following;
  if (next < owner.end) following.push(next);
  else add(at, "falls_off_end");
  return following;
}

module.exports = { verify };
