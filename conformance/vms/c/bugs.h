/* Faults planted on purpose, to see which of them a conformance run finds. `vm --bug NAME` switches one on.
 *
 * X(name, machine, faulty instructions or -, what goes wrong) */

#ifndef BUGS_H
#define BUGS_H

#define BUGS(X)                                                                                                               \
    X(calculator_add_saturates, "calculator", "ADD", "The sum stops at the largest and smallest number.")                     \
    X(calculator_sub_reversed, "calculator", "SUB", "The value below is subtracted from the top.")                            \
    X(calculator_mul_saturates, "calculator", "MUL", "The product stops at the largest and smallest number.")                 \
    X(calculator_div_reversed, "calculator", "DIV", "The top is divided by the value below it; zero is still looked for in the top.") \
    X(calculator_div_floors, "calculator", "DIV", "The quotient is rounded down.")                                            \
    X(calculator_div_zero_is_zero, "calculator", "DIV", "Division by zero gives zero.")                                       \
    X(calculator_div_pops_before_trap, "calculator", "DIV", "Both operands are popped before the trap.")                      \
    X(calculator_div_trap_name, "calculator", "DIV", "The trap is called stack_overflow.")                                    \
    X(calculator_div_minimum, "calculator", "DIV", "The smallest number by -1 gives the largest.")                            \
    X(calculator_push_big_endian, "calculator", "PUSH", "The constant is read most significant byte first.")                  \
    X(calculator_push_three_bytes, "calculator", "PUSH", "The highest byte of the constant is ignored.")                      \
    X(calculator_store_next_slot, "calculator", "STORE", "The value goes into the variable after the one named.")             \
    X(calculator_store_keeps_value, "calculator", "STORE", "The value stays on the stack.")                                   \
    X(calculator_print_keeps_value, "calculator", "PRINT", "The value stays on the stack.")                                   \
    X(calculator_pop_takes_below, "calculator", "POP", "The value below the top is removed, if there is one.")                \
    X(calculator_halt_goes_on, "calculator", "HALT", "The offset moves past the HALT.")                                       \
    X(calculator_variables_kept, "calculator", "-", "Variables keep what the program before left in them.")                   \
    X(calculator_stack_of_255, "calculator", "-", "The verifier allows one value less than the stack holds.")                 \
    X(calculator_accepts_slot_26, "calculator", "-", "The verifier allows one variable too many.")                            \
    X(calculator_accepts_no_halt, "calculator", "-", "The verifier accepts code that runs past its end.")                     \
    X(calculator_decodes_to_halt, "calculator", "-", "The decoder ignores what follows the first HALT.")                      \
    X(stack_neg_complements, "stack", "NEG", "The bits are inverted and nothing is added.")                                   \
    X(stack_mul_swapped_with_div, "stack", "MUL,DIV", "The opcodes of MUL and DIV are exchanged.")                            \
    X(stack_div_unsigned, "stack", "DIV", "Both operands are taken as unsigned.")                                             \
    X(stack_div_pops_before_trap, "stack", "DIV", "The divisor is popped before the trap.")                                   \
    X(stack_slot_of_seven_bits, "stack", "LOAD,STORE", "The highest bit of a slot is ignored.")                               \
    X(stack_load_previous_slot, "stack", "LOAD", "The variable before the one named is pushed; slot 0 is right.")             \
    X(stack_jump_from_start, "stack", "JUMP", "The offset counts from the start of the jump.")                                \
    X(stack_jump_unsigned, "stack", "JUMP,JUMPZ", "The offset is not extended with its sign.")                                \
    X(stack_jumpz_peeks, "stack", "JUMPZ", "The value stays on the stack.")                                                   \
    X(stack_jumpz_peeks_if_taken, "stack", "JUMPZ", "The value stays on the stack if it jumps.")                              \
    X(stack_jumpz_not_positive, "stack", "JUMPZ", "It jumps on negative values too.")                                         \
    X(stack_call_returns_to_call, "stack", "CALL,RET", "The return leads to the call itself.")                                \
    X(stack_call_returns_late, "stack", "CALL,RET", "The return offset is one too high.")                                     \
    X(stack_call_target_of_16_bits, "stack", "CALL", "Only the low half of the target counts.")                               \
    X(stack_call_depth_65, "stack", "CALL", "One call too many can be active.")                                               \
    X(stack_call_depth_63, "stack", "CALL", "One call too few can be active.")                                                \
    X(stack_calls_kept, "stack", "-", "Calls that a program has not returned from are still active in the next.")             \
    X(stack_values_kept, "stack", "-", "The bottom value that a program left is still on the stack of the next.")             \
    X(stack_variables_kept, "stack", "-", "Variables keep what the program before left in them.")                             \
    X(stack_variables_per_call, "stack", "CALL", "A call sets variable 0 to zero.")                                           \
    X(stack_ret_drops_value, "stack", "RET", "The top of the stack is lost.")                                                 \
    X(stack_overflow_at_255, "stack", "PUSH,LOAD", "The trap comes one value too early.")                                     \
    X(stack_print_unsigned, "stack", "PRINT", "Negative values are printed as unsigned.")                                     \
    X(stack_pop_leaves_one, "stack", "POP", "The last value on the stack cannot be popped.")                                  \
    X(stack_fuel_one_less, "stack", "-", "A program is stopped one step too early.")                                          \
    X(stack_accepts_mismatch, "stack", "-", "The verifier lets paths meet with different depths.")                            \
    X(stack_accepts_callee_underflow, "stack", "-", "The verifier does not look at what a callee takes.")                     \
    X(stack_accepts_return, "stack", "-", "The verifier accepts a return without a call.")                                    \
    X(stack_accepts_unreachable_jump, "stack", "-", "The verifier ignores bad jumps in code that cannot be reached.")         \
    X(register_add_in_place, "register", "ADD", "The target is written before the second operand is read.")                   \
    X(register_sub_reversed, "register", "SUB", "The first operand is subtracted from the second.")                           \
    X(register_mul_16_bits, "register", "MUL", "The upper half of the product is lost.")                                      \
    X(register_div_floors, "register", "DIV", "The quotient is rounded down.")                                                \
    X(register_div_minimum_traps, "register", "DIV", "The smallest number by -1 traps.")                                      \
    X(register_div_writes_before_trap, "register", "DIV", "The target is set to zero before the trap.")                       \
    X(register_div_tests_dividend, "register", "DIV", "A zero dividend traps and a zero divisor gives zero.")                 \
    X(register_neg_saturates, "register", "NEG", "The negative of the smallest number is the largest.")                       \
    X(register_move_exchanges, "register", "MOVE", "The source gets the old value of the target.")                            \
    X(register_load_unsigned, "register", "LOAD", "The constant is not extended with its sign.")                              \
    X(register_load_big_endian, "register", "LOAD", "The constant is read most significant byte first.")                      \
    X(register_loadh_clears, "register", "LOADH", "The low half of the register is cleared.")                                 \
    X(register_loadh_merges, "register", "LOADH", "The bits of the old high half stay set.")                                  \
    X(register_lt_unsigned, "register", "LT", "The operands are compared as unsigned.")                                       \
    X(register_lt_or_equal, "register", "LT", "Equal operands count as less.")                                                \
    X(register_eq_low_half, "register", "EQ", "Only the low halves are compared.")                                            \
    X(register_jmp_from_start, "register", "JMP", "The offset counts from the jump itself.")                                  \
    X(register_jz_tests_r0, "register", "JZ", "Register 0 is tested whatever the operand says.")                              \
    X(register_jnz_positive, "register", "JNZ", "It does not jump on negative values.")                                       \
    X(register_jump_counts_bytes, "register", "JMP,JZ,JNZ", "The offset is not multiplied by four.")                          \
    X(register_r15_reads_zero, "register", "ADD,SUB,MUL,DIV,NEG,MOVE,LOADH,LT,EQ,JZ,JNZ,PRINT", "Register 15 reads as zero.") \
    X(register_r0_write_lost, "register", "ADD,SUB,MUL,DIV,NEG,MOVE,LOAD,LOADH,LT,EQ", "Register 0 cannot be written.")       \
    X(register_registers_kept, "register", "-", "Registers keep what the program before left in them.")                       \
    X(register_decoder_ignores_bits, "register", "-", "The decoder accepts any value in unused bits.")                        \
    X(register_index_of_four_bits, "register", "-", "Only four bits of a register number are read, so that all are accepted.") \
    X(register_accepts_jump_to_end, "register", "-", "The verifier accepts a jump to the end of the code.")                   \
    X(register_accepts_conditional_end, "register", "-", "The verifier accepts a conditional jump as the last instruction.")  \
    X(register_rejects_unreachable_end, "register", "-", "The verifier rejects a last instruction that is never reached.")

#define BUG_ID(name, machine, instructions, about) BUG_##name,
enum bug { BUG_NONE, BUGS(BUG_ID) };

/* The one that is switched on. */
extern enum bug planted;

#define BUG(name) (planted == BUG_##name)

#endif
