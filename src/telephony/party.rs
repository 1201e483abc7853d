//! Who is on the line, with what is private masked by its type.

use std::fmt;

/// A telephone number or the user part of a SIP address. Its `Display` and `Debug` show the last three characters at
/// most, so that no log gives a caller away; [`PhoneNumber::reveal`] gives the whole to those who must dial or record.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PhoneNumber(String);

impl PhoneNumber {
    /// The number as it was signalled.
    pub fn new(number: impl Into<String>) -> PhoneNumber {
        PhoneNumber(number.into())
    }

    /// Whether there is none.
    pub fn is_withheld(&self) -> bool {
        self.0.is_empty()
    }

    /// The whole number, unmasked.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.chars().count();
        if count == 0 {
            return f.write_str("withheld");
        }
        let shown = if count > 5 { 3 } else { 0 };
        for (index, character) in self.0.chars().enumerate() {
            let safe = index + shown >= count && !character.is_control();
            write!(f, "{}", if safe { character } else { '*' })?;
        }
        Ok(())
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PhoneNumber({self})")
    }
}

/// Who dialled in, as their side told us.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Caller {
    /// The user part of P-Asserted-Identity where a trunk sent it, else of From; empty when withheld.
    pub number: PhoneNumber,
    /// The display name, if any.
    pub name: Option<String>,
}

impl Caller {
    /// A caller whose number comes without a name.
    pub fn nameless(number: impl Into<String>) -> Caller {
        Caller { number: PhoneNumber::new(number), name: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_masked_wherever_it_is_printed() {
        for (number, shown) in [("+442079460123", "**********123"), ("1001", "****"), ("", "withheld")] {
            assert_eq!(PhoneNumber::new(number).to_string(), shown);
        }
    }
}
