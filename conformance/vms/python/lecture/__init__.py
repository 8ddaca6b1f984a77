"""The lecture machine: a stack machine for a dynamic language, whose programs are modules of functions.

`module` reads the file, `verifier` examines the code, `machine` runs it, `memory` counts what is live, and
`bugs` plants faults.
"""
