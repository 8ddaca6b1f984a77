//! Laws of cells, types and operations, and of the loader on arbitrary texts.

use bytestone_spec::builtin;
use bytestone_spec::diagnostic::Style;
use bytestone_spec::isa::{BinaryOp, IntType, UnaryOp};
use quickcheck::{Arbitrary, Gen, QuickCheck, quickcheck};

use crate::support::load_text;

#[derive(Clone, Copy, Debug)]
struct Type(IntType);

impl Arbitrary for Type {
    fn arbitrary(g: &mut Gen) -> Self {
        let bits = 1 + u8::arbitrary(g) % 64;
        Self(IntType { bits, signed: bool::arbitrary(g) })
    }
}

/// Bits of which many are at the edges of types.
#[derive(Clone, Copy, Debug)]
struct Bits(u64);

impl Arbitrary for Bits {
    fn arbitrary(g: &mut Gen) -> Self {
        let power = 1u64 << (u8::arbitrary(g) % 64);
        let edges = [0, power, power.wrapping_sub(1), power.wrapping_neg(), u64::arbitrary(g)];
        Self(*g.choose(&edges).unwrap_or(&0))
    }
}

/// `value` modulo the width, as a value of the type.
fn reduced(ty: IntType, value: i128) -> i128 {
    let modulus = 1i128 << ty.bits;
    let low = value.rem_euclid(modulus);
    if low > ty.max() { low - modulus } else { low }
}

/// What an operation means, in numbers without bounds.
fn model(op: BinaryOp, ty: IntType, a: i128, b: i128) -> i128 {
    let floor = |a: i128, b: i128| a.div_euclid(b) - i128::from(b < 0 && a.rem_euclid(b) != 0);
    match op {
        BinaryOp::Add => reduced(ty, a + b),
        BinaryOp::Sub => reduced(ty, a - b),
        // Wide enough: the low 64 bits of the factors decide the low 64 bits of the product.
        BinaryOp::Mul => reduced(ty, a.wrapping_mul(b)),
        BinaryOp::DivTrunc if b != 0 => reduced(ty, a / b),
        BinaryOp::RemTrunc if b != 0 => reduced(ty, a % b),
        BinaryOp::DivFloor if b != 0 => reduced(ty, floor(a, b)),
        BinaryOp::RemFloor if b != 0 => reduced(ty, a - b * floor(a, b)),
        BinaryOp::DivTrunc | BinaryOp::DivFloor | BinaryOp::RemTrunc | BinaryOp::RemFloor => 0,
        BinaryOp::And => reduced(ty, a & b),
        BinaryOp::Or => reduced(ty, a | b),
        BinaryOp::Xor => reduced(ty, a ^ b),
        BinaryOp::Shl => reduced(ty, a.wrapping_shl(b.rem_euclid(i128::from(ty.bits)) as u32)),
        BinaryOp::Shr => a >> b.rem_euclid(i128::from(ty.bits)),
        BinaryOp::Eq => i128::from(a == b),
        BinaryOp::Ne => i128::from(a != b),
        BinaryOp::Lt => i128::from(a < b),
        BinaryOp::Le => i128::from(a <= b),
    }
}

const OPS: [BinaryOp; 16] = [
    BinaryOp::Add,
    BinaryOp::Sub,
    BinaryOp::Mul,
    BinaryOp::DivTrunc,
    BinaryOp::DivFloor,
    BinaryOp::RemTrunc,
    BinaryOp::RemFloor,
    BinaryOp::And,
    BinaryOp::Or,
    BinaryOp::Xor,
    BinaryOp::Shl,
    BinaryOp::Shr,
    BinaryOp::Eq,
    BinaryOp::Ne,
    BinaryOp::Lt,
    BinaryOp::Le,
];

fn agrees(ty: IntType, a: u64, b: u64) -> Result<(), String> {
    let (a, b) = (ty.wrap(a), ty.wrap(b));
    for op in OPS {
        let shift = matches!(op, BinaryOp::Shl | BinaryOp::Shr);
        if shift && !ty.bits.is_power_of_two() && ty.signed {
            continue; // Actions cannot say this.
        }
        let found = op.apply(ty, a, b);
        let expected = model(op, ty, ty.value(a), ty.value(b));
        if found != expected as u64 {
            return Err(format!("{op:?} {ty} {a:#x} {b:#x}: {found:#x}, not {expected:#x}"));
        }
        if !op.is_comparison() && ty.wrap(found) != found {
            return Err(format!("{op:?} {ty} {a:#x} {b:#x}: {found:#x} is no cell"));
        }
    }
    Ok(())
}

#[test]
fn operations_agree_with_numbers_without_bounds() {
    fn law(ty: Type, a: Bits, b: Bits) -> Result<bool, String> {
        agrees(ty.0, a.0, b.0).map(|()| true)
    }
    QuickCheck::new().tests(20_000).quickcheck(law as fn(Type, Bits, Bits) -> Result<bool, String>);
}

#[test]
fn operations_of_narrow_types_agree_everywhere() {
    for bits in 1..=4 {
        for ty in [IntType::signed(bits), IntType::unsigned(bits)] {
            for a in 0..1 << bits {
                for b in 0..1 << bits {
                    agrees(ty, a, b).unwrap();
                }
            }
        }
    }
}

quickcheck! {
    fn wrapping_is_idempotent_and_keeps_the_low_bits(ty: Type, bits: Bits) -> bool {
        let Type(ty) = ty;
        let cell = ty.wrap(bits.0);
        let low = u64::MAX >> (64 - ty.bits);
        ty.wrap(cell) == cell && cell & low == bits.0 & low && ty.contains(ty.value(cell))
    }

    fn values_and_cells_correspond(ty: Type, bits: Bits) -> bool {
        let Type(ty) = ty;
        let cell = ty.wrap(bits.0);
        ty.cell(ty.value(cell)) == Some(cell)
            && ty.cell(ty.max() + 1).is_none()
            && ty.cell(ty.min() - 1).is_none()
    }

    fn wrapping_is_reduction(ty: Type, bits: Bits) -> bool {
        let Type(ty) = ty;
        ty.value(ty.wrap(bits.0)) == reduced(ty, i128::from(bits.0))
    }

    fn a_type_includes_another_if_its_cells_are_the_same(ty: Type, other: Type, bits: Bits) -> bool {
        let (Type(ty), Type(other)) = (ty, other);
        let cell = other.wrap(bits.0);
        !ty.includes(other) || ty.wrap(cell) == cell && ty.value(cell) == other.value(cell)
    }

    fn complement_is_an_involution(ty: Type, bits: Bits) -> bool {
        let Type(ty) = ty;
        let cell = ty.wrap(bits.0);
        UnaryOp::Not.apply(ty, UnaryOp::Not.apply(ty, cell)) == cell
            && UnaryOp::Wrap.apply(ty, bits.0) == cell
    }
}

/// What is seen of a load from the outside, which must be the same each time.
fn observed(text: &str) -> String {
    match load_text(text) {
        Ok(isa) => format!("{isa:?}"),
        Err(faulty) => {
            for diagnostic in &faulty.diagnostics {
                let span = diagnostic.span;
                let source = &faulty.sources[usize::from(span.source)].text;
                assert!(span.start <= span.end, "{diagnostic:?}");
                assert!(
                    source.get(span.start as usize..span.end as usize).is_some(),
                    "{diagnostic:?}"
                );
            }
            assert!(!faulty.diagnostics.is_empty());
            faulty.render(Style::Plain)
        }
    }
}

#[test]
fn arbitrary_texts_are_read_without_a_panic() {
    fn law(text: String) -> bool {
        observed(&text) == observed(&text)
    }
    QuickCheck::new().tests(300).quickcheck(law as fn(String) -> bool);
}

/// A built-in spec with a few edits.
#[derive(Clone, Debug)]
struct Edited(String);

impl Arbitrary for Edited {
    fn arbitrary(g: &mut Gen) -> Self {
        let name = g.choose(&builtin::names()).copied().unwrap_or_default();
        let mut text = builtin::source(name).map(|source| source.text).unwrap_or_default();
        for _ in 0..1 + usize::arbitrary(g) % 4 {
            text = edited(g, &text);
        }
        Self(text)
    }
}

fn edited(g: &mut Gen, text: &str) -> String {
    if text.is_empty() {
        return "bytestone: spec/1".to_owned();
    }
    let mut at = |len: usize| usize::arbitrary(g) % len.max(1);
    let kind = at(6);
    let mut lines: Vec<&str> = text.split('\n').collect();
    match kind {
        0 => {
            lines.remove(at(lines.len()));
            lines.join("\n")
        }
        1 => {
            let line = lines[at(lines.len())];
            lines.insert(at(lines.len()), line);
            lines.join("\n")
        }
        2 => {
            let (a, b) = (at(lines.len()), at(lines.len()));
            lines.swap(a, b);
            lines.join("\n")
        }
        3 => {
            let mut tokens: Vec<&str> = text.split_inclusive([' ', ',', '(', '\n']).collect();
            let (a, b) = (at(tokens.len()), at(tokens.len()));
            tokens.swap(a, b);
            tokens.concat()
        }
        4 => {
            let cut = text.floor_char_boundary(at(text.len()));
            text[..cut].to_owned()
        }
        _ => {
            const CHARACTERS: &[char] = &[
                '{', '}', '[', ']', '(', ')', '"', '\'', ':', '\n', '\t', '#', '|', '-', '0', 'x',
                '%', 'ß', '\u{7}',
            ];
            let cut = text.floor_char_boundary(at(text.len()));
            let character = CHARACTERS[at(CHARACTERS.len())];
            let behind = text[cut..].chars().next().map_or(0, char::len_utf8);
            format!("{}{character}{}", &text[..cut], &text[cut + behind..])
        }
    }
}

#[test]
fn edited_specs_are_read_without_a_panic() {
    fn law(edited: Edited) -> bool {
        observed(&edited.0) == observed(&edited.0)
    }
    QuickCheck::new().tests(400).quickcheck(law as fn(Edited) -> bool);
}
