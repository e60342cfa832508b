//! Text patterns of policies: wildcards, policy variables, and which sets of patterns one text can match.
//!
//! Matching walks all positions of a pattern at once, so its cost is text length times pattern length at
//! worst; no pattern makes it backtrack.
//! Wildcards: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html>,
//! variables: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>

use std::collections::{BTreeSet, HashSet, VecDeque};

/// A policy's text as written: characters, wildcards and variables.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Template(pub(crate) Vec<Piece>);

/// A part of a [`Template`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Piece {
    Char(char),
    /// `?`
    One,
    /// `*`
    Many,
    /// `${key}` or `${key, 'default'}`
    Variable {
        key: String,
        default: Option<String>,
    },
}

impl Template {
    /// Splits a text into pieces. Without `wildcards`, `*` and `?` are plain characters (StringEquals);
    /// without `variables`, so is `${…}` (documents of a version before 2012-10-17).
    pub(crate) fn parse(text: &str, wildcards: bool, variables: bool) -> Template {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if variables && let Some((piece, after)) = variable(rest) {
                pieces.push(piece);
                rest = after;
                continue;
            }
            pieces.push(match c {
                '*' if wildcards => Piece::Many,
                '?' if wildcards => Piece::One,
                _ => Piece::Char(c),
            });
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
        }
        Template(pieces)
    }

    /// Number of colons written out.
    pub(crate) fn colons(&self) -> usize {
        self.0.iter().filter(|piece| **piece == Piece::Char(':')).count()
    }
}

impl std::fmt::Display for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Char(c) => write!(f, "{c}"),
            Piece::One => f.write_str("?"),
            Piece::Many => f.write_str("*"),
            Piece::Variable { .. } => f.write_str("$"),
        })
    }
}

/// Reads `${…}` at the start of `text`: the piece and what follows it.
fn variable(text: &str) -> Option<(Piece, &str)> {
    let (inside, after) = text.strip_prefix("${")?.split_once('}')?;
    let piece = match inside {
        "*" | "?" | "$" => Piece::Char(inside.chars().next()?),
        _ => {
            let (key, default) = match inside.split_once(',') {
                Some((key, default)) => {
                    let default = default.trim();
                    let default = default.strip_prefix('\'').and_then(|d| d.strip_suffix('\'')).unwrap_or(default);
                    (key, Some(default.to_owned()))
                }
                None => (inside, None),
            };
            Piece::Variable { key: key.trim().to_owned(), default }
        }
    };
    Some((piece, after))
}

/// How far a wildcard reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Reach {
    /// Over any character.
    Any,
    /// Not over a colon: inside one segment of an ARN.
    Segment,
}

impl Reach {
    fn covers(self, c: char) -> bool {
        self == Reach::Any || c != ':'
    }
}

/// One step of a [`Pattern`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Token {
    Char(char),
    /// A character in either case; holds the lower one.
    Fold(char),
    One(Reach),
    Many(Reach),
}

/// A pattern without variables.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Pattern(pub(crate) Vec<Token>);

impl Pattern {
    /// A text with `*` and `?` as wildcards over any character.
    pub(crate) fn glob(text: &str) -> Pattern {
        Pattern(
            text.chars()
                .map(|c| match c {
                    '*' => Token::Many(Reach::Any),
                    '?' => Token::One(Reach::Any),
                    _ => Token::Char(c),
                })
                .collect(),
        )
    }

    /// The text itself, wildcards as plain characters.
    pub(crate) fn literal(text: &str) -> Pattern {
        Pattern(text.chars().map(Token::Char).collect())
    }

    /// The same pattern for either case of letters.
    pub(crate) fn fold(self) -> Pattern {
        Pattern(
            self.0
                .into_iter()
                .map(|token| match token {
                    Token::Char(c) => Token::Fold(lower(c)),
                    Token::Fold(_) | Token::One(_) | Token::Many(_) => token,
                })
                .collect(),
        )
    }

    /// The pattern of an ARN condition: a wildcard stays inside its segment, but for the last segment,
    /// which is everything after the fifth colon.
    pub(crate) fn by_segment(self) -> Pattern {
        let mut colons = 0;
        Pattern(
            self.0
                .into_iter()
                .map(|token| {
                    colons += usize::from(token == Token::Char(':'));
                    match token {
                        Token::One(_) if colons < 5 => Token::One(Reach::Segment),
                        Token::Many(_) if colons < 5 => Token::Many(Reach::Segment),
                        _ => token,
                    }
                })
                .collect(),
        )
    }

    /// The narrow reading of a Resource pattern: `*` crosses a colon only at the end of a segment, `?` never.
    pub(crate) fn narrow(&self) -> Pattern {
        let mut tokens = self.0.clone();
        for (place, token) in tokens.iter_mut().enumerate() {
            match token {
                Token::One(reach) => *reach = Reach::Segment,
                Token::Many(reach) => {
                    let next = self.0.get(place + 1);
                    if !matches!(next, None | Some(Token::Char(':') | Token::Many(_))) {
                        *reach = Reach::Segment;
                    }
                }
                Token::Char(_) | Token::Fold(_) => {}
            }
        }
        Pattern(tokens)
    }

    /// The reading of a Resource pattern that AWS documents for sure: narrow, and no wildcard in the type of the
    /// resource (`*/prod`, `clust*/prod`), which the documentation calls incorrect. Buckets have no type.
    pub(crate) fn strict(&self) -> Pattern {
        let mut colons = (0..self.0.len()).filter(|place| self.0.get(*place) == Some(&Token::Char(':')));
        if let (Some(fourth), Some(fifth)) = (colons.nth(3), colons.next()) {
            let resource = self.0.get(fifth + 1..).unwrap_or_default();
            let end = resource.iter().position(|token| matches!(token, Token::Char('/' | ':')));
            let wild = |token: &Token| matches!(token, Token::One(_) | Token::Many(_));
            if let Some((kind, rest)) = end.and_then(|end| resource.split_at_checked(end))
                && fifth > fourth + 1
                && kind.iter().any(wild)
                && rest.iter().any(|token| !wild(token) && !matches!(token, Token::Char('/' | ':')))
            {
                return Pattern::never();
            }
        }
        self.narrow()
    }

    /// A pattern that no request has: the one character in it stands in no ARN.
    fn never() -> Pattern {
        Pattern(vec![Token::Char('\0')])
    }

    /// The only text that the pattern matches, if it has no wildcard.
    pub(crate) fn as_literal(&self) -> Option<String> {
        self.0
            .iter()
            .map(|token| match token {
                Token::Char(c) => Some(*c),
                Token::Fold(_) | Token::One(_) | Token::Many(_) => None,
            })
            .collect()
    }

    /// Whether the whole text matches.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let mut places = vec![0];
        self.settle(&mut places);
        for c in text.chars() {
            places = self.step(&places, c);
            if places.is_empty() {
                return false;
            }
        }
        places.last() == Some(&self.0.len())
    }

    /// Adds the places that are reached by a `*` that takes nothing; keeps the list sorted and unique.
    fn settle(&self, places: &mut Vec<usize>) {
        let mut settled = Vec::with_capacity(places.len() + 1);
        for &start in places.iter() {
            let mut place = start;
            loop {
                if settled.last().is_none_or(|last| *last < place) {
                    settled.push(place);
                }
                match self.0.get(place) {
                    Some(Token::Many(_)) => place += 1,
                    _ => break,
                }
            }
        }
        *places = settled;
    }

    /// The places after one more character.
    fn step(&self, places: &[usize], c: char) -> Vec<usize> {
        let mut next = Vec::with_capacity(places.len() + 1);
        for &place in places {
            let to = match self.0.get(place) {
                Some(Token::Char(own)) if *own == c => place + 1,
                Some(Token::Fold(own)) if *own == lower(c) => place + 1,
                Some(Token::One(reach)) if reach.covers(c) => place + 1,
                Some(Token::Many(reach)) if reach.covers(c) => place,
                _ => continue,
            };
            if next.last().is_none_or(|last| *last < to) {
                next.push(to);
            }
        }
        self.settle(&mut next);
        next
    }
}

impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|token| match token {
            Token::Char(c) | Token::Fold(c) => write!(f, "{c}"),
            Token::One(_) => f.write_str("?"),
            Token::Many(_) => f.write_str("*"),
        })
    }
}

/// The lower case of a character, where that is one character.
pub(crate) fn lower(c: char) -> char {
    let mut all = c.to_lowercase();
    match (all.next(), all.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

/// Every way in which one text can match some of `patterns` and not the others, each with such a text.
///
/// Only texts that match one of `shapes` count (no shapes: any text). Empty: no text fits. `None`: more than
/// `limit` steps would be needed, nothing is known.
pub(crate) fn combinations(patterns: &[Pattern], shapes: &[Pattern], limit: usize) -> Option<Vec<(Vec<bool>, String)>> {
    let all: Vec<&Pattern> = patterns.iter().chain(shapes).collect();
    let other = fresh_char(&all);
    let start: State = all
        .iter()
        .enumerate()
        .map(|(number, pattern)| {
            let mut places = vec![0];
            pattern.settle(&mut places);
            (number, places)
        })
        .collect();
    // Without the start: the empty text counts as no value, so the same place must be reached by another text.
    let mut seen: HashSet<State> = HashSet::new();
    let mut known: HashSet<Vec<bool>> = HashSet::new();
    let mut found: Vec<(Vec<bool>, String)> = Vec::new();
    let mut queue = VecDeque::from([(start, String::new())]);
    let mut steps = 0;
    while let Some((state, text)) = queue.pop_front() {
        let mut vector = vec![false; patterns.len()];
        let mut fits = shapes.is_empty();
        for (number, places) in &state {
            if all.get(*number).is_some_and(|pattern| places.last() == Some(&pattern.0.len())) {
                match vector.get_mut(*number) {
                    Some(slot) => *slot = true,
                    None => fits = true,
                }
            }
        }
        if fits && !text.is_empty() && known.insert(vector.clone()) {
            found.push((vector, text.clone()));
        }
        for c in distinguishing(&all, &state, other) {
            steps += 4 + state.iter().map(|(_, places)| places.len()).sum::<usize>();
            if steps > limit {
                return None;
            }
            let next: State = state
                .iter()
                .filter_map(|(number, places)| {
                    let places = all.get(*number)?.step(places, c);
                    (!places.is_empty()).then_some((*number, places))
                })
                .collect();
            let dead = !shapes.is_empty() && next.iter().all(|(number, _)| *number < patterns.len());
            if !dead && !seen.contains(&next) {
                seen.insert(next.clone());
                let mut longer = text.clone();
                longer.push(c);
                queue.push_back((next, longer));
            }
        }
    }
    Some(found)
}

/// The places reached in each pattern that can still match, by the pattern's number.
type State = Vec<(usize, Vec<usize>)>;

/// Characters that lead to different places from here; `other` stands for all the rest.
fn distinguishing(all: &[&Pattern], state: &State, other: char) -> BTreeSet<char> {
    let mut characters = BTreeSet::from([other]);
    for (number, places) in state {
        for place in places {
            match all.get(*number).and_then(|pattern| pattern.0.get(*place)) {
                Some(Token::Char(c)) => {
                    characters.insert(*c);
                }
                Some(Token::Fold(c)) => {
                    characters.insert(*c);
                    let mut upper = c.to_uppercase();
                    if let (Some(one), None) = (upper.next(), upper.next()) {
                        characters.insert(one);
                    }
                }
                Some(Token::One(Reach::Segment) | Token::Many(Reach::Segment)) => {
                    characters.insert(':');
                }
                Some(Token::One(Reach::Any) | Token::Many(Reach::Any)) | None => {}
            }
        }
    }
    characters
}

/// A character that no pattern names.
fn fresh_char(patterns: &[&Pattern]) -> char {
    let used: BTreeSet<char> = patterns
        .iter()
        .flat_map(|pattern| &pattern.0)
        .filter_map(|token| match token {
            Token::Char(c) => Some(lower(*c)),
            Token::Fold(c) => Some(*c),
            Token::One(_) | Token::Many(_) => None,
        })
        .collect();
    ('a'..='z').rev().chain('0'..='9').chain('\u{e000}'..='\u{f8ff}').find(|c| !used.contains(c)).unwrap_or('\u{f8ff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn star_takes_any_run_and_question_mark_one_character() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a*", "a", true),
            ("a*c", "abbbc", true),
            ("a*c", "abbb", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b*", "xxbxxaxx", false),
            ("arn:aws:s3:::b/*", "arn:aws:s3:::b/k/k", true),
            ("arn:aws:s3:::b/*", "arn:aws:s3:::b", false),
            ("Abc", "abc", false),
        ] {
            assert_eq!(Pattern::glob(pattern).matches(text), expected, "{pattern} on {text}");
        }
        assert!(Pattern::glob("ECS:poll*").fold().matches("ecs:Poll"));
    }

    #[test]
    fn many_stars_do_not_stall() {
        // A backtracking matcher would need about 2^40 steps here.
        let pattern = Pattern::glob(&"*a".repeat(40));
        assert!(!pattern.matches(&format!("{}b", "a".repeat(4000))));
    }

    #[test]
    fn arn_conditions_keep_wildcards_inside_a_segment() {
        let pattern = Pattern::glob("arn:aws:*:us-east-1:*:cluster/*").by_segment();
        assert!(pattern.matches("arn:aws:ecs:us-east-1:111122223333:cluster/a:b"));
        assert!(!pattern.matches("arn:aws:ecs:x:us-east-1:111122223333:cluster/a"));
        // An unrestricted star before a restricted one must still be retried.
        let mixed = Pattern(vec![Token::Many(Reach::Any), Token::Char('a'), Token::Many(Reach::Segment), Token::Char('b')]);
        assert!(mixed.matches("a:ab"));
        assert!(!mixed.matches("a:b"));
    }

    #[test]
    fn the_narrow_reading_of_a_resource_differs_only_across_colons() {
        let wide = Pattern::glob("arn:aws:logs:*:1:log-group:/a*b:*");
        let narrow = wide.narrow();
        assert!(narrow.matches("arn:aws:logs:eu-west-1:1:log-group:/axb:log-stream:x:y"));
        assert!(wide.matches("arn:aws:logs:eu-west-1:1:log-group:/a:x:b:c"));
        assert!(!narrow.matches("arn:aws:logs:eu-west-1:1:log-group:/a:x:b:c"));
    }

    #[test]
    fn the_strict_reading_has_no_wildcard_in_the_type() {
        let prod = "arn:aws:ecs:us-east-2:111122223333:cluster/prod";
        for (pattern, expected) in [("cluster/*", true), ("*", true), ("clu*", true), ("*/*", true), ("*/prod", false), ("clu?ter/prod", false)] {
            let pattern = Pattern::glob(&format!("arn:aws:ecs:us-east-2:111122223333:{pattern}"));
            assert!(pattern.matches(prod));
            assert_eq!(pattern.strict().matches(prod), expected, "{pattern}");
        }
        assert!(Pattern::glob("arn:aws:s3:::mi*/key").strict().matches("arn:aws:s3:::mine/key"));
    }

    #[test]
    fn templates_know_variables_defaults_and_escapes() {
        let template = Template::parse("a${aws:username}b${k, 'd e'}${*}*", true, true);
        assert_eq!(
            template.0,
            vec![
                Piece::Char('a'),
                Piece::Variable { key: "aws:username".into(), default: None },
                Piece::Char('b'),
                Piece::Variable { key: "k".into(), default: Some("d e".into()) },
                Piece::Char('*'),
                Piece::Many,
            ]
        );
        assert_eq!(Template::parse("${a", true, true).0.len(), 3, "no closing brace: plain text");
        assert_eq!(Template::parse("${a}", false, false).0.len(), 4, "an older version: plain text");
    }

    #[test]
    fn combinations_finds_all_and_only_what_is_possible() {
        let patterns = [Pattern::glob("a*"), Pattern::glob("*b"), Pattern::glob("a")];
        let found = combinations(&patterns, &[], 10_000).expect("small");
        for (vector, text) in &found {
            let direct: Vec<bool> = patterns.iter().map(|p| p.matches(text)).collect();
            assert_eq!(vector, &direct, "{text}");
        }
        let vectors: BTreeSet<Vec<bool>> = found.into_iter().map(|(v, _)| v).collect();
        // "a" implies "a*" and excludes "*b"; all else is possible.
        let expected = BTreeSet::from([vec![false, false, false], vec![true, false, false], vec![false, true, false], vec![true, true, false], vec![true, false, true]]);
        assert_eq!(vectors, expected);
    }

    #[test]
    fn combinations_respects_shapes_and_the_limit() {
        let patterns = [Pattern::glob("arn:aws:ecs:*")];
        let shapes = [Pattern::glob("arn:aws:ecs:*:cluster/*")];
        let found = combinations(&patterns, &shapes, 10_000).expect("small");
        assert_eq!(found.len(), 1);
        assert!(found[0].0[0]);
        assert!(combinations(&patterns, &shapes, 3).is_none());
        let none = combinations(&[], &[Pattern::glob("")], 100).expect("small");
        assert!(none.is_empty());
    }
}
