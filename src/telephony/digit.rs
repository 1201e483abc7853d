//! The sixteen keys of a telephone.

use std::fmt;

/// A key of a telephone: 0 to 9, star, hash, and A to D of the fourth column (ITU-T Q.23).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digit(u8);

/// The text or number names no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key is one of 0 to 9, star, hash, A, B, C or D")]
pub struct NotADigit;

impl Digit {
    /// The star key.
    pub const STAR: Digit = Digit(10);
    /// The hash (pound, square) key.
    pub const HASH: Digit = Digit(11);
    /// All sixteen, in the order of RFC 4733's event codes.
    pub const ALL: [Digit; 16] = {
        let mut all = [Digit(0); 16];
        let mut code = 0;
        while code < 16 {
            all[code as usize] = Digit(code);
            code += 1;
        }
        all
    };

    /// The key of an RFC 4733 event code, section 3.2 (table 3); codes above 15 are no keys.
    pub const fn from_event(code: u8) -> Result<Digit, NotADigit> {
        if code < 16 { Ok(Digit(code)) } else { Err(NotADigit) }
    }

    /// The RFC 4733 event code, 0 to 15.
    pub const fn event(self) -> u8 {
        self.0
    }

    /// The key that a character stands for: `0` to `9`, `*`, `#`, `A` to `D` in either case.
    pub const fn from_char(character: char) -> Result<Digit, NotADigit> {
        match character {
            '0'..='9' => Ok(Digit(character as u8 - b'0')),
            '*' => Ok(Digit::STAR),
            '#' => Ok(Digit::HASH),
            'A'..='D' => Ok(Digit(12 + (character as u8 - b'A'))),
            'a'..='d' => Ok(Digit(12 + (character as u8 - b'a'))),
            _ => Err(NotADigit),
        }
    }

    /// The character that stands for the key.
    pub const fn as_char(self) -> char {
        b"0123456789*#ABCD"[self.0 as usize] as char
    }

    /// 0 to 9 for a numeral, nothing for the others.
    pub const fn numeral(self) -> Option<u8> {
        if self.0 < 10 { Some(self.0) } else { None }
    }
}

impl fmt::Display for Digit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_char())
    }
}

// What a caller keys may be a card number: not even a debug log shows it.
impl fmt::Debug for Digit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digit(_)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_and_events_name_the_same_keys() {
        for digit in Digit::ALL {
            assert_eq!(Digit::from_char(digit.as_char()), Ok(digit));
            assert_eq!(Digit::from_event(digit.event()), Ok(digit));
        }
        assert_eq!(Digit::from_event(16), Err(NotADigit));
        assert_eq!(Digit::from_char('e'), Err(NotADigit));
    }
}
