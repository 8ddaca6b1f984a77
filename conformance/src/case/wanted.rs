//! What a value may be: one number, one of several, a pattern of bits, or anything.

use std::fmt;
use std::str::FromStr;

/// What a value may be.
///
/// ```
/// use bytestone::case::wanted::Wanted;
/// let fits = |wanted: &str, value| wanted.parse::<Wanted>().unwrap().fits(value);
/// assert!(fits("5", 5) && !fits("5", 6));
/// assert!(fits("{1|2}", 2) && !fits("{1|2}", 3));
/// assert!(fits("0x1?", 0x1f) && !fits("0x1?", 0x2f));
/// assert!(fits("0xf?", -1) && fits("?", -1));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// This number.
    Exact(i128),
    /// One of these numbers; at least two.
    OneOf(Vec<i128>),
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
    /// Any number.
    Any,
}

impl Wanted {
    /// Whether a value is what is wanted.
    pub fn fits(&self, value: i128) -> bool {
        match self {
            Self::Exact(wanted) => value == *wanted,
            Self::OneOf(wanted) => wanted.contains(&value),
            Self::Masked { bits, mask, digits } => {
                let width = 4 * u32::from(*digits);
                let in_range = -(1_i128 << (width - 1)) <= value && value < 1_i128 << width;
                in_range && (value as u64) & mask == bits & mask
            }
            Self::Any => true,
        }
    }

    /// Whether more than one value fits.
    pub fn is_open(&self) -> bool {
        !matches!(self, Self::Exact(_))
    }
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no value: expected a number, `{{1|2}}`, `0x1?` or `?`");
        if text == "?" {
            return Ok(Self::Any);
        }
        if let Some(list) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            let values: Option<Vec<i128>> =
                list.split('|').map(|part| part.trim().parse().ok()).collect();
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
        text.parse().map(Self::Exact).map_err(|_| wrong())
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

/// Wanted values in the notation of case files.
pub fn wanted_list(values: &[Wanted]) -> String {
    let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
    format!("[{}]", texts.join(", "))
}

/// Whether values are what is wanted, one by one.
pub fn all_fit(wanted: &[Wanted], values: &[i128]) -> bool {
    wanted.len() == values.len()
        && wanted.iter().zip(values).all(|(wanted, &value)| wanted.fits(value))
}
