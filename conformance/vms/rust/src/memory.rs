//! The memory of the machine `ebpf`, at the addresses of its spec, so that registers hold them and not the host's.

use std::ffi::c_void;
use std::fmt::Write;
use std::io;
use std::ptr::NonNull;

use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};

/// Where the input begins.
pub const MEM: usize = 0x1_0000_0000;
/// The most bytes of input.
pub const MEM_MOST: usize = 0x1_0000;
/// Where the stack begins.
pub const FRAMES: usize = 0x2_0000_0000;
/// Bytes of the stack of one function.
pub const FRAME: usize = 512;
/// Bytes of the whole stack.
pub const FRAMES_SIZE: usize = 8 * FRAME;

/// The input and the stack, mapped once for the whole process.
#[derive(Debug)]
pub struct Memory {
    mem: Region,
    frames: Region,
    /// How long the input of the present run is.
    length: usize,
}

impl Memory {
    /// Maps both regions; may be done once.
    ///
    /// # Errors
    ///
    /// Something is at these addresses already.
    pub fn map() -> io::Result<Self> {
        let (mem, frames) = (Region::map(MEM, MEM_MOST)?, Region::map(FRAMES, FRAMES_SIZE)?);
        Ok(Self { mem, frames, length: 0 })
    }

    /// Lets accesses that begin in the stack and end behind it read and write, in a process that such an engine must not end.
    ///
    /// # Errors
    ///
    /// Something is behind the stack already.
    pub fn pad(&self) -> io::Result<()> {
        Region::map(FRAMES + FRAMES_SIZE, FRAMES_SIZE).map(|_| ())
    }

    /// Makes both regions what they are before the first step: the bytes that a program is given, and zeros.
    ///
    /// # Errors
    ///
    /// There are too many bytes.
    pub fn reset(&mut self, bytes: &[u8]) -> Result<(), String> {
        if bytes.len() > MEM_MOST {
            return Err("mem is too long".to_owned());
        }
        self.frames.bytes_mut().fill(0);
        self.mem.bytes_mut().fill(0);
        self.mem.bytes_mut()[..bytes.len()].copy_from_slice(bytes);
        self.length = bytes.len();
        Ok(())
    }

    /// The input, for engines that take it as a slice.
    pub fn mem(&mut self) -> &mut [u8] {
        &mut self.mem.bytes_mut()[..self.length]
    }

    /// Where the input is, for engines that take an address.
    pub fn mem_address(&self) -> *mut u8 {
        self.mem.start.as_ptr()
    }

    /// The length of the input.
    pub fn mem_length(&self) -> usize {
        self.length
    }

    /// Where the stack is.
    pub fn frames_address(&self) -> *mut u8 {
        self.frames.start.as_ptr()
    }

    /// The groups of eight bytes that are not zero, as the protocol writes them.
    pub fn cells(&self) -> Vec<String> {
        let mut cells = Vec::new();
        let mem = &self.mem.bytes()[..self.length];
        for (name, bytes) in [("mem", mem), ("frames", self.frames.bytes())] {
            for (index, group) in bytes.chunks(8).enumerate() {
                if group.iter().any(|byte| *byte != 0) {
                    let mut cell = format!("{name}:{}=h", 8 * index);
                    for byte in group {
                        let _ = write!(cell, "{byte:02x}");
                    }
                    cells.push(cell);
                }
            }
        }
        cells
    }
}

/// Mapped bytes. Engines write to them too, so that slices are made anew each time.
#[derive(Debug)]
struct Region {
    start: NonNull<u8>,
    size: usize,
}

// SAFETY: a mapping belongs to the process and not to a thread, and a region has one owner.
unsafe impl Send for Region {}

impl Region {
    fn map(address: usize, size: usize) -> io::Result<Self> {
        let flags = MapFlags::PRIVATE | MapFlags::FIXED_NOREPLACE;
        let wanted = std::ptr::without_provenance_mut::<c_void>(address);
        // SAFETY: FIXED_NOREPLACE never maps over what is there.
        let found =
            unsafe { mmap_anonymous(wanted, size, ProtFlags::READ | ProtFlags::WRITE, flags)? };
        match NonNull::new(found.cast()) {
            Some(start) if found == wanted => Ok(Self { start, size }),
            _ => Err(io::Error::other("the kernel does not map at fixed addresses")),
        }
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: the mapping has this size and is never undone; no engine runs while the slice is used.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.size) }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and `self` is the only owner of the mapping.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.size) }
    }
}
