//! Linear memory: the bytes of a machine's regions.

use std::sync::Arc;

use bytestone_spec::isa::{IntType, Machine, Region, RegionId, Start};

use crate::state::InputError;

/// The bytes of all regions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    regions: Arc<[Region]>,
    /// By region.
    bytes: Vec<Vec<u8>>,
}

/// Where bytes lie that a load or store reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The region.
    pub(crate) region: RegionId,
    /// The offset of the first byte in the region.
    pub(crate) offset: u32,
    /// How many bytes.
    len: u8,
}

impl Place {
    fn range(self) -> std::ops::Range<usize> {
        self.offset as usize..self.offset as usize + usize::from(self.len)
    }
}

impl Memory {
    /// The memory of a machine: zeros, and nothing where programs are given the bytes.
    pub(crate) fn new(machine: &Machine) -> Self {
        let fresh = |region: &Region| match region.input {
            true => Vec::new(),
            false => vec![0; region.size as usize],
        };
        let bytes = machine.memory.iter().map(fresh).collect();
        Self { regions: machine.memory.as_slice().into(), bytes }
    }

    /// Replaces the bytes that programs are given.
    pub(crate) fn set(&mut self, region: RegionId, bytes: &[u8]) -> Result<(), InputError> {
        let at = usize::from(region.0);
        let (Some(rules), Some(held)) = (self.regions.get(at), self.bytes.get_mut(at)) else {
            return Err(InputError::NoInput(region.0));
        };
        if !rules.input {
            return Err(InputError::NoInput(region.0));
        }
        if bytes.len() > rules.size as usize {
            return Err(InputError::TooManyBytes { len: bytes.len(), size: rules.size });
        }
        held.clear();
        held.extend_from_slice(bytes);
        Ok(())
    }

    /// The bytes of a region.
    pub(crate) fn bytes(&self, region: RegionId) -> &[u8] {
        self.bytes.get(usize::from(region.0)).map_or(&[], Vec::as_slice)
    }

    /// The cell that a bank starts with.
    pub(crate) fn start(&self, start: Start) -> u64 {
        let base = |id: RegionId| self.regions.get(usize::from(id.0)).map_or(0, |it| it.base);
        let size = |id: RegionId| self.bytes(id).len() as u64;
        match start {
            Start::Number(cell) => cell,
            Start::Base(region) => base(region),
            Start::Size(region) => size(region),
            Start::End(region) => base(region) + size(region),
        }
    }

    /// Where a number of a type lies whose first byte is at an address; `None` unless all its bytes are in one
    /// region.
    #[inline]
    pub(crate) fn place(&self, ty: IntType, address: u64) -> Option<Place> {
        let len = ty.bits / 8;
        let mut regions = (0u8..).zip(self.regions.iter().zip(&self.bytes));
        regions.find_map(|(region, (rules, bytes))| {
            let offset = address.checked_sub(rules.base)?;
            let room = (bytes.len() as u64).checked_sub(offset)?;
            let fits = u64::from(len) <= room;
            fits.then_some(Place { region: RegionId(region), offset: offset as u32, len })
        })
    }

    /// The number at a place, as a cell of its type.
    #[inline]
    pub(crate) fn load(&self, ty: IntType, place: Place) -> u64 {
        let bytes = self.bytes(place.region).get(place.range()).unwrap_or_default();
        let bits = bytes.iter().rev().fold(0, |bits: u64, byte| bits << 8 | u64::from(*byte));
        ty.wrap(bits)
    }

    /// Stores the low bytes of a cell. Returns them.
    #[inline]
    pub(crate) fn store(&mut self, place: Place, cell: u64) -> &[u8] {
        let bytes = self.bytes.get_mut(usize::from(place.region.0));
        let Some(bytes) = bytes.and_then(|bytes| bytes.get_mut(place.range())) else { return &[] };
        bytes.copy_from_slice(&cell.to_le_bytes()[..usize::from(place.len)]);
        bytes
    }
}
