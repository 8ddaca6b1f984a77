#!/usr/bin/env python3
# Run with: python3 engine.py (Python 3.9 or newer; bytestone.py lies beside this file)
import bytestone


def run(request, recorder):
    """Runs request.program, which is bytes, on the machine request.machine."""
    # 1. Decode and verify: return bytestone.Reject("decode", "unknown_opcode", at) for the first fault,
    #    or take "decode" and "verify" out of phases below.
    # 2. Make the state; request.input is {bank: {index: value}}.
    # 3. Before each step: if not recorder.step(pc, depth, stack, cells): return bytestone.Fuel(state)
    #    with cells = {bank: [values]} and state = bytestone.State(pc, depth, stack, cells).
    # 4. For what the program prints: recorder.print(value)
    # 5. At the end: return bytestone.Halt(state), or bytestone.Trap("div_by_zero", at, state).
    return bytestone.Unsupported("not written yet")


bytestone.serve(
    bytestone.Engine(
        name="@NAME@",
        version="0.1.0",
        machines="@MACHINE@",
        run=run,
        # phases="run", observes="output", traces="" if the VM does or shows less than everything
    )
)
