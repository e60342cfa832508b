//! How rules word things: lists that stay short, counted nouns, commands.

use crate::actions::Action;
use crate::finding::Evidence;

/// How many objects a message, the evidence or the commands name one by one.
pub const SHOWN: usize = 5;

/// The last part of an ARN or path; what has none stays.
#[must_use]
pub fn last(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// `a`, `a and b`, `a, b and c`.
#[must_use]
pub fn list<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<T> = items.into_iter().collect();
    match items.split_last() {
        None => String::new(),
        Some((only, [])) => only.as_ref().to_owned(),
        Some((last, before)) => format!("{} and {}", before.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", "), last.as_ref()),
    }
}

/// The same, with at most [`SHOWN`] items and how many more there are.
#[must_use]
pub fn some<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<T> = items.into_iter().collect();
    if items.len() <= SHOWN {
        return list(items);
    }
    let shown: Vec<&str> = items.iter().take(SHOWN).map(AsRef::as_ref).collect();
    format!("{} and {} more", shown.join(", "), items.len() - SHOWN)
}

/// `1 agent`, `2 agents`.
#[must_use]
pub fn count(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

/// Evidence of the first few objects out of many.
pub fn evidence<'a>(action: Action, field: &str, objects: impl IntoIterator<Item = (&'a str, String)>) -> Vec<Evidence> {
    objects.into_iter().take(SHOWN).map(|(object, value)| Evidence::new(action, field, value, last(object))).collect()
}

/// An `aws` command in the region of the audit.
#[must_use]
pub fn aws(region: &str, command: &str) -> String {
    format!("aws {command} --region {region}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_stay_short() {
        assert_eq!(list(["a"]), "a");
        assert_eq!(list(["a", "b", "c"]), "a, b and c");
        assert_eq!(some(["a", "b", "c", "d", "e"]), "a, b, c, d and e");
        assert_eq!(some(["a", "b", "c", "d", "e", "f", "g"]), "a, b, c, d, e and 2 more");
        assert_eq!(some(Vec::<&str>::new()), "");
        assert_eq!((count(1, "agent"), count(3, "agent")), ("1 agent".to_owned(), "3 agents".to_owned()));
        assert_eq!(last("arn:aws:ecs:eu-west-1:1:cluster/web"), "web");
    }
}
