//! Sorted, merged, inclusive ranges of an unsigned number.

/// A number that ranges are made of.
pub trait Point: Copy + Ord {
    /// The smallest.
    const MIN: Self;
    /// The greatest.
    const MAX: Self;
    /// Bits.
    const BITS: u8;
    /// The next greater one, unless this is the greatest.
    fn next(self) -> Option<Self>;
    /// The next smaller one, unless this is the smallest.
    fn previous(self) -> Option<Self>;
    /// How many low bits are zero.
    fn zeros(self) -> u8;
    /// This with the `bits` low bits set.
    fn fill(self, bits: u8) -> Self;
}

macro_rules! point {
    ($($t:ty)*) => { $(
        impl Point for $t {
            const MIN: Self = <$t>::MIN;
            const MAX: Self = <$t>::MAX;
            const BITS: u8 = <$t>::BITS as u8;
            fn next(self) -> Option<Self> { self.checked_add(1) }
            fn previous(self) -> Option<Self> { self.checked_sub(1) }
            fn zeros(self) -> u8 { self.trailing_zeros() as u8 }
            fn fill(self, bits: u8) -> Self {
                self | Self::MAX.checked_shr(<$t>::BITS.saturating_sub(u32::from(bits))).unwrap_or(0)
            }
        }
    )* };
}
point! { u16 u32 u128 }

/// A set of numbers as inclusive ranges: sorted, no two touching.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ranges<T>(Vec<(T, T)>);

impl<T> Default for Ranges<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Point> Ranges<T> {
    /// One range; empty if it ends before it begins.
    #[must_use]
    pub fn range(first: T, last: T) -> Self {
        Self(if first <= last { vec![(first, last)] } else { Vec::new() })
    }

    /// From ranges in any order.
    #[must_use]
    pub fn from_ranges(mut ranges: Vec<(T, T)>) -> Self {
        ranges.retain(|(first, last)| first <= last);
        ranges.sort_unstable();
        let mut merged: Vec<(T, T)> = Vec::with_capacity(ranges.len());
        for (first, last) in ranges {
            match merged.last_mut() {
                // Touching ranges become one, so that equal sets are equal values.
                Some(open) if open.1.next().is_none_or(|next| first <= next) => open.1 = open.1.max(last),
                _ => merged.push((first, last)),
            }
        }
        Self(merged)
    }

    /// The ranges, first and last number, in order.
    pub fn iter(&self) -> impl Iterator<Item = (T, T)> + '_ {
        self.0.iter().copied()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        if other.is_empty() {
            return self.clone();
        }
        Self::from_ranges(self.iter().chain(other.iter()).collect())
    }

    /// What is in both.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        let mut out = Vec::new();
        let (mut mine, mut theirs) = (self.iter().peekable(), other.iter().peekable());
        while let (Some(&a), Some(&b)) = (mine.peek(), theirs.peek()) {
            let (first, last) = (a.0.max(b.0), a.1.min(b.1));
            if first <= last {
                out.push((first, last));
            }
            if a.1 < b.1 {
                mine.next()
            } else {
                theirs.next()
            };
        }
        Self(out)
    }

    /// What is not in this.
    #[must_use]
    pub fn complement(&self) -> Self {
        let mut out = Vec::with_capacity(self.0.len() + 1);
        let mut open = Some(T::MIN);
        for (first, last) in self.iter() {
            if let (Some(start), Some(end)) = (open, first.previous())
                && start <= end
            {
                out.push((start, end));
            }
            open = last.next();
        }
        if let Some(start) = open {
            out.push((start, T::MAX));
        }
        Self(out)
    }

    /// What is in this and not in the other.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        self.intersect(&other.complement())
    }

    /// Whether some number is in both.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        !self.intersect(other).is_empty()
    }

    /// Whether all of `other` is in this.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        other.difference(self).is_empty()
    }

    /// Whether the number is in this.
    #[must_use]
    pub fn contains_point(&self, point: T) -> bool {
        self.0
            .binary_search_by(|&(first, last)| {
                if last < point {
                    std::cmp::Ordering::Less
                } else if first > point {
                    std::cmp::Ordering::Greater
                } else {
                    std::cmp::Ordering::Equal
                }
            })
            .is_ok()
    }

    /// The fewest aligned power-of-two blocks that make up the set: first number and prefix length.
    pub fn blocks(&self) -> impl Iterator<Item = (T, u8)> + '_ {
        self.iter().flat_map(|(first, last)| {
            let mut open = Some(first);
            std::iter::from_fn(move || {
                let start = open?;
                // The greatest block that is aligned at `start` and does not pass `last`.
                let mut bits = start.zeros().min(T::BITS);
                while start.fill(bits) > last {
                    bits = bits.checked_sub(1)?;
                }
                let end = start.fill(bits);
                open = if end < last { end.next() } else { None };
                Some((start, T::BITS.saturating_sub(bits)))
            })
        })
    }
}
