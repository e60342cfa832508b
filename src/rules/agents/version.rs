//! Versions of the container agent.

/// A version as far as it can be read: `v1.25.1-dev`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Major, minor, patch.
    pub number: [u64; 3],
    /// Something follows the number that may make it an earlier build of it (`-rc1`).
    pub suffixed: bool,
}

/// How a version stands to a minimum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compared {
    /// It is older.
    Older,
    /// It is that version or newer.
    Enough,
    /// A build of exactly that version, perhaps of before it was done.
    Unclear,
}

impl Version {
    /// Reads `v?MAJOR.MINOR.PATCH` at the start of a text; each part is a number, so that 1.105.1 is newer than 1.25.1.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let mut rest = text;
        let mut number = [0_u64; 3];
        for (i, part) in number.iter_mut().enumerate() {
            if i > 0 {
                rest = rest.strip_prefix('.')?;
            }
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let (digits, tail) = rest.split_at_checked(end)?;
            *part = digits.parse().ok()?;
            rest = tail;
        }
        // Semantic versioning: what follows `+` says how it was built, not what.
        Some(Self { number, suffixed: !rest.is_empty() && !rest.starts_with('+') })
    }

    /// How it stands to a minimum.
    #[must_use]
    pub fn compare(&self, minimum: [u64; 3]) -> Compared {
        match self.number.cmp(&minimum) {
            std::cmp::Ordering::Less => Compared::Older,
            std::cmp::Ordering::Equal if self.suffixed => Compared::Unclear,
            _ => Compared::Enough,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_compare_as_numbers() {
        let stands = |text: &str| Version::parse(text).map(|v| v.compare([1, 25, 1]));
        for (text, expected) in [
            ("1.25.0", Some(Compared::Older)),
            ("1.25.1", Some(Compared::Enough)),
            ("1.9.0", Some(Compared::Older)),
            ("1.105.1", Some(Compared::Enough)),
            ("2.0.0", Some(Compared::Enough)),
            ("v1.25.1-dev", Some(Compared::Unclear)),
            ("v1.25.2-dev", Some(Compared::Enough)),
            ("1.24.9-rc1", Some(Compared::Older)),
            ("1.25.1+build.7", Some(Compared::Enough)),
            (" 1.25.1 ", Some(Compared::Enough)),
            ("", None),
            ("1.25", None),
            ("junk", None),
            ("1..1", None),
            ("1.25.x", None),
            ("99999999999999999999.1.1", None),
            ("１.25.1", None),
        ] {
            assert_eq!(stands(text), expected, "{text:?}");
        }
    }
}
