//! The part of ubpf's interface that is used, made safe.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::marker::PhantomData;
use std::ptr::{NonNull, null_mut};

use bytestone_adapter::memory::{FRAME, FRAMES, FRAMES_SIZE, Memory};
use bytestone_adapter::protocol::{Final, Recorder, View};
use bytestone_adapter::{helpers, host};
use libubpf_sys as sys;

unsafe extern "C" {
    fn bytestone_say(stream: *mut sys::FILE, format: *const c_char, ...) -> c_int;
    fn bytestone_said() -> *const c_char;
    fn free(pointer: *mut c_void);
}

/// What ubpf said of errors since the last time.
pub fn said() -> String {
    // SAFETY: the text ends with a zero and is not written to before the copy is made.
    let text = unsafe { CStr::from_ptr(bytestone_said()) };
    text.to_string_lossy().trim().to_owned()
}

/// A VM without a program.
pub struct Empty;
/// A VM with one.
pub struct Loaded;

/// A VM of ubpf.
pub struct Vm<S> {
    vm: NonNull<sys::ubpf_vm>,
    state: PhantomData<S>,
}

impl<S> Drop for Vm<S> {
    fn drop(&mut self) {
        // SAFETY: it was made by `ubpf_create` and is given back once.
        unsafe { sys::ubpf_destroy(self.vm.as_ptr()) }
    }
}

/// How a run of the interpreter ended.
pub enum Ended {
    /// With a value of r0.
    With(u64),
    /// With an error.
    Badly,
}

/// Every function has a stack of this size.
unsafe extern "C" fn stack_usage(_: *const sys::ubpf_vm, _: u16, _: *mut c_void) -> c_int {
    FRAME as c_int
}

type Helper = unsafe extern "C" fn(u64, u64, u64, u64, u64) -> u64;

const HELPERS: [(u32, &CStr, Helper); 3] = [
    (helpers::GATHER, c"gather", helpers::gather),
    (helpers::SUM, c"sum", helpers::sum),
    (host::ANSWER, c"answer", host::answer),
];

impl Vm<Empty> {
    /// A VM, unless there is no memory for one.
    pub fn new() -> Option<Self> {
        // SAFETY: no conditions.
        let vm = NonNull::new(unsafe { sys::ubpf_create() })?;
        // SAFETY: the VM is there; the functions have the types that ubpf calls them with and need no context. The names
        // last as long as the process.
        unsafe {
            sys::ubpf_set_error_print(vm.as_ptr(), Some(bytestone_say));
            sys::ubpf_register_stack_usage_calculator(vm.as_ptr(), Some(stack_usage), null_mut());
            for (number, name, helper) in HELPERS {
                sys::ubpf_register(vm.as_ptr(), number, name.as_ptr(), Some(helper));
            }
        }
        Some(Self { vm, state: PhantomData })
    }

    /// Loads a program, or says why it is rejected.
    pub fn load(self, program: &[u8]) -> Result<Vm<Loaded>, String> {
        let length = u32::try_from(program.len()).map_err(|_| "code_len is too great")?;
        let mut error = null_mut();
        // SAFETY: the program has this length, and ubpf makes a copy of it.
        let code = unsafe {
            sys::ubpf_load(self.vm.as_ptr(), program.as_ptr().cast(), length, &raw mut error)
        };
        let (vm, message) = (self.vm, text(error));
        if code != 0 {
            return Err(message);
        }
        std::mem::forget(self);
        Ok(Vm { vm, state: PhantomData })
    }
}

impl Vm<Loaded> {
    /// Runs the program in the interpreter for at most so many steps.
    pub fn interpret(&mut self, watch: &mut Watch<'_>, limit: u32) -> Ended {
        let (mem, length) = (watch.memory.mem_address(), watch.memory.mem_length());
        let frames = watch.memory.frames_address();
        let mut r0 = 0;
        let context = std::ptr::from_mut(watch).cast();
        // SAFETY: `mem` and `frames` are mapped with these sizes. `look` gets back the context as the type that it is
        // here, and nothing else uses it until the run is over.
        let code = unsafe {
            sys::ubpf_set_instruction_limit(self.vm.as_ptr(), limit, null_mut());
            sys::ubpf_register_debug_fn(self.vm.as_ptr(), context, Some(look));
            let code = sys::ubpf_exec_ex(
                self.vm.as_ptr(),
                mem.cast(),
                length,
                &raw mut r0,
                frames,
                FRAMES_SIZE,
            );
            sys::ubpf_register_debug_fn(self.vm.as_ptr(), null_mut(), None);
            code
        };
        if code == 0 { Ended::With(r0) } else { Ended::Badly }
    }

    /// Makes native code of the program, or says why not.
    pub fn compile(&mut self) -> Result<Code<'_>, String> {
        let mut error = null_mut();
        // SAFETY: a program is loaded.
        let code =
            unsafe { sys::ubpf_compile_ex(self.vm.as_ptr(), &raw mut error, sys::ExtendedJitMode) };
        let message = text(error);
        code.map(|code| Code { code, vm: PhantomData }).ok_or(message)
    }
}

/// Native code of a program.
pub struct Code<'v> {
    code: unsafe extern "C" fn(*mut c_void, usize, *mut u8, usize) -> u64,
    vm: PhantomData<&'v mut Vm<Loaded>>,
}

impl Code<'_> {
    /// Runs it on the mapped memory. It checks no address: whatever it does to this process is what is to be seen.
    pub fn run(&self, mem: usize, length: usize) -> u64 {
        let at = |address| std::ptr::with_exposed_provenance_mut::<u8>(address);
        // SAFETY: the code belongs to a VM that is still there; both regions are mapped with these sizes.
        unsafe { (self.code)(at(mem).cast(), length, at(FRAMES), FRAMES_SIZE) }
    }
}

/// The text of an error, which ubpf leaves to its caller.
fn text(error: *mut c_char) -> String {
    if error.is_null() {
        return String::new();
    }
    // SAFETY: it ends with a zero, comes from malloc, and nobody else frees it.
    unsafe {
        let text = CStr::from_ptr(error).to_string_lossy().trim().to_owned();
        free(error.cast());
        text
    }
}

/// What stands before a program and is not seen.
#[derive(Clone, Copy)]
pub struct Skipped {
    /// Its steps.
    pub steps: u64,
    /// Its length.
    pub bytes: u64,
}

/// Looks on at a run of the interpreter.
pub struct Watch<'m> {
    memory: &'m Memory,
    recorder: Option<Recorder>,
    fuel: u64,
    skipped: Skipped,
    pc: u64,
    registers: [u64; 11],
    /// The state when all fuel was used.
    spent: Option<Final>,
}

impl<'m> Watch<'m> {
    /// Looks on at a run with this much fuel.
    pub fn new(recorder: Recorder, memory: &'m Memory, fuel: u64, skipped: Skipped) -> Self {
        let recorder = Some(recorder);
        Self { memory, recorder, fuel, skipped, pc: 0, registers: [0; 11], spent: None }
    }

    /// Whether a step followed when all fuel was used.
    pub fn is_spent(&self) -> bool {
        self.spent.is_some()
    }

    /// The state at the end.
    pub fn finish(mut self, output: &[u64]) -> Option<Box<Final>> {
        let recorder = self.recorder.take();
        let state = self.spent.take().or_else(|| Some(recorder?.finish(&self, output)));
        state.map(Box::new)
    }

    fn step(&mut self, pc: c_int, registers: [u64; 11]) {
        let Some(at) = (8 * u64::from(pc.unsigned_abs())).checked_sub(self.skipped.bytes) else {
            return;
        };
        let Some(mut recorder) = self.recorder.take() else { return };
        self.pc = at;
        self.registers = registers;
        if recorder.steps() == self.fuel {
            self.spent = Some(recorder.finish(self, &[]));
        } else {
            recorder.step(self);
            self.recorder = Some(recorder);
        }
    }
}

impl View for Watch<'_> {
    fn pc(&self) -> u64 {
        self.pc
    }

    /// ubpf shows the frame by r10 alone.
    fn depth(&self) -> u64 {
        ((FRAMES + FRAMES_SIZE) as u64).wrapping_sub(self.registers[10]) / FRAME as u64
    }

    fn cells(&self) -> String {
        let registers = self.registers.iter().enumerate().filter(|(_, value)| **value != 0);
        let mut cells: Vec<String> =
            registers.map(|(index, value)| format!("reg:{index}={value}")).collect();
        cells.extend(self.memory.cells());
        cells.join(",")
    }

    fn calls(&self) -> Vec<String> {
        host::calls()
    }
}

/// ubpf calls this before each step.
unsafe extern "C" fn look(
    context: *mut c_void,
    pc: c_int,
    registers: *const u64,
    _: *const u8,
    _: usize,
    _: u64,
    _: *const u8,
) {
    // SAFETY: the context is the `Watch` that `interpret` holds, and there are 11 registers and more.
    unsafe {
        let watch = &mut *context.cast::<Watch<'_>>();
        watch.step(pc, *registers.cast::<[u64; 11]>());
    }
}
