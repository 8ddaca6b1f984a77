//! What a value may be: one value, one of several, a pattern of bits, or anything.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use bytestone_vm::value::{NodeKind, Value, ValueError, ValueFault, file};

/// What a value may be.
///
/// ```
/// use bytestone::case::wanted::Wanted;
/// use bytestone_vm::Value;
/// let fits = |wanted: &str, value| wanted.parse::<Wanted>().unwrap().fits(&Value::Int(value));
/// assert!(fits("5", 5) && !fits("5", 6));
/// assert!(fits("{1|2}", 2) && !fits("{1|2}", 3));
/// assert!(fits("0x1?", 0x1f) && !fits("0x1?", 0x2f));
/// assert!(fits("0xf?", -1) && fits("?", -1));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// This value.
    Exact(Value),
    /// One of these values; at least two.
    OneOf(Vec<Value>),
    /// A number whose lowest bits, as many as there are digits, are these where the mask has ones, and
    /// that fits so many bits, with or without a sign.
    Masked {
        /// The bits.
        bits: u64,
        /// Which of them count.
        mask: u64,
        /// How many hexadecimal digits there are, at most 16.
        digits: u8,
    },
    /// Any value.
    Any,
}

impl Wanted {
    /// Whether a value alone is what is wanted.
    pub fn fits(&self, value: &Value) -> bool {
        self.fits_among(value, &mut Pairs::default())
    }

    /// Whether a value is what is wanted, in a list of which some nodes were met already.
    fn fits_among(&self, value: &Value, pairs: &mut Pairs) -> bool {
        match self {
            Self::Exact(wanted) => pairs.same(wanted, value),
            Self::OneOf(wanted) => wanted.iter().any(|wanted| {
                let mut tried = pairs.clone();
                let same = tried.same(wanted, value);
                if same {
                    *pairs = tried;
                }
                same
            }),
            Self::Masked { bits, mask, digits } => {
                let width = 4 * u32::from(*digits);
                let in_range = -(1_i128 << (width - 1))..1_i128 << width;
                let fits = |number: &i128| {
                    in_range.contains(number) && (*number as u64) & mask == bits & mask
                };
                value.int().as_ref().is_some_and(fits)
            }
            Self::Any => true,
        }
    }

    /// Whether more than one value fits.
    pub fn is_open(&self) -> bool {
        !matches!(self, Self::Exact(_))
    }

    /// Reads what a value of a place may be, in a list of which `reader` has read the part before.
    ///
    /// # Errors
    ///
    /// What is wrong, and where.
    pub fn read<'t>(reader: &mut file::Reader<'t, '_>, text: &'t str) -> Result<Self, ValueError> {
        if text.trim() == "?" {
            return Ok(Self::Any);
        }
        reader.resume(text);
        match one_of(reader, text) {
            Some(list) => list.map(Self::OneOf),
            None => reader.whole().map(Self::Exact),
        }
    }
}

/// The values between braces with `|` between; `None` when the text is no such list.
fn one_of(reader: &mut file::Reader<'_, '_>, text: &str) -> Option<Result<Vec<Value>, ValueError>> {
    let inner = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    let mut values = Vec::new();
    let mut rest = inner;
    loop {
        let mut branch = reader.branch(rest);
        let value = match branch.value() {
            Ok(value) => value,
            // A map, or a fault in the first value: what it is shows when it is read as a value.
            Err(_) if values.is_empty() => return None,
            Err(error) => return Some(Err(error)),
        };
        rest = &rest[branch.at()..];
        values.push(value);
        match (rest.strip_prefix('|'), values.len()) {
            (Some(more), _) => rest = more,
            (None, 1) => return None,
            (None, _) if rest.is_empty() => return Some(Ok(values)),
            (None, _) => {
                let fault = ValueFault::Expected("`|` between values, `{1|2}`");
                return Some(Err(ValueError { at: text.len() - 1 - rest.len(), fault }));
            }
        }
    }
}

/// The nodes of what is wanted and those of what was found that stand for each other.
#[derive(Clone, Debug, Default)]
struct Pairs {
    found: HashMap<u32, u32>,
    wanted: HashMap<u32, u32>,
}

impl Pairs {
    /// Whether two values are the same up to the numbers of nodes.
    fn same(&mut self, wanted: &Value, found: &Value) -> bool {
        match (wanted, found) {
            (Value::Back(wanted), Value::Back(found)) => self.found.get(wanted) == Some(found),
            (Value::Node(one), Value::Node(other)) => {
                let fresh = self.found.insert(one.number, other.number).is_none()
                    && self.wanted.insert(other.number, one.number).is_none();
                fresh && self.same_kind(&one.kind, &other.kind)
            }
            _ => wanted == found,
        }
    }

    fn same_kind(&mut self, wanted: &NodeKind, found: &NodeKind) -> bool {
        match (wanted, found) {
            (NodeKind::Array(wanted), NodeKind::Array(found)) => self.all_same(wanted, found),
            (NodeKind::Map(wanted), NodeKind::Map(found)) => {
                wanted.len() == found.len()
                    && wanted.iter().zip(found).all(|((key, wanted), (other, found))| {
                        key == other && self.same(wanted, found)
                    })
            }
            (
                NodeKind::Closure { function, captures },
                NodeKind::Closure { function: other, captures: found },
            ) => function == other && self.all_same(captures, found),
            (NodeKind::Record { of, fields }, NodeKind::Record { of: other, fields: found }) => {
                of == other && self.all_same(fields, found)
            }
            _ => false,
        }
    }

    fn all_same(&mut self, wanted: &[Value], found: &[Value]) -> bool {
        wanted.len() == found.len()
            && wanted.iter().zip(found).all(|(wanted, found)| self.same(wanted, found))
    }
}

/// What a number may be.
impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no value: expected a number, `{{1|2}}`, `0x1?` or `?`");
        if text == "?" {
            return Ok(Self::Any);
        }
        if let Some(list) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            let values: Option<Vec<Value>> =
                list.split('|').map(|part| part.trim().parse().ok().map(Value::Int)).collect();
            return values.filter(|values| values.len() > 1).map(Self::OneOf).ok_or_else(wrong);
        }
        if let Some(digits) = text.strip_prefix("0x").filter(|digits| digits.contains('?')) {
            let fixed = |digit: char| if digit == '?' { Some(0) } else { digit.to_digit(16) };
            let (mut bits, mut mask) = (0_u64, 0_u64);
            if digits.len() > 16 {
                return Err(wrong());
            }
            for digit in digits.chars() {
                bits = bits << 4 | u64::from(fixed(digit).ok_or_else(wrong)?);
                mask = mask << 4 | if digit == '?' { 0 } else { 15 };
            }
            return Ok(Self::Masked { bits, mask, digits: digits.len() as u8 });
        }
        text.parse().map(|number| Self::Exact(Value::Int(number))).map_err(|_| wrong())
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(value) => value.fmt(f),
            Self::OneOf(values) => {
                let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
                write!(f, "{{{}}}", texts.join("|"))
            }
            Self::Masked { bits, mask, digits } => {
                f.write_str("0x")?;
                for place in (0..*digits).rev() {
                    let shift = 4 * u32::from(place);
                    if mask >> shift & 15 == 0 {
                        f.write_str("?")?;
                    } else {
                        write!(f, "{:x}", bits >> shift & 15)?;
                    }
                }
                Ok(())
            }
            Self::Any => f.write_str("?"),
        }
    }
}

/// Wanted values that are a list together, each in the notation of case files.
pub fn wanted_texts(values: &[Wanted]) -> Vec<String> {
    let exact: Vec<&Value> = values
        .iter()
        .filter_map(|wanted| match wanted {
            Wanted::Exact(value) => Some(value),
            _ => None,
        })
        .collect();
    let mut texts = file::texts(exact.iter().copied()).into_iter();
    let text = |wanted: &Wanted| match wanted {
        Wanted::Exact(_) => texts.next().unwrap_or_default(),
        open => open.to_string(),
    };
    values.iter().map(text).collect()
}

/// Whether the values of a stack are what is wanted, one by one.
pub fn all_fit(wanted: &[Wanted], values: &[Value]) -> bool {
    let mut pairs = Pairs::default();
    wanted.len() == values.len()
        && wanted.iter().zip(values).all(|(wanted, value)| wanted.fits_among(value, &mut pairs))
}

/// Whether printed values, each a list of its own, are what is wanted.
pub fn each_fits(wanted: &[Wanted], values: &[Value]) -> bool {
    wanted.len() == values.len()
        && wanted.iter().zip(values).all(|(wanted, value)| wanted.fits(value))
}
