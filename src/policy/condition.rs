//! The condition operators of IAM, over values that are known.
//!
//! Operators and missing keys: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>,
//! set operators: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html>

use std::net::IpAddr;

use ipnet::IpNet;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::matching::{Pattern, Template};

/// One line of a Condition element: an operator, one key and its values.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The operator with its set prefix and suffix.
    pub operator: Operator,
    /// The key as written.
    pub key: String,
    /// The values, any of which will do (none of which may match, for a negated operator).
    pub(crate) values: Vec<Value>,
}

/// An operator as written: `ForAnyValue:StringNotLikeIfExists` and its like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Operator {
    /// What is compared, and how.
    pub base: Base,
    /// The set prefix.
    pub set: Option<SetOperator>,
    /// The suffix `IfExists`: true where the key is missing.
    pub if_exists: bool,
}

/// The comparison of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Base {
    /// StringEquals and all others that compare text with a pattern.
    Text {
        /// How.
        kind: TextKind,
        /// The `Not` form.
        negated: bool,
    },
    /// NumericEquals … NumericGreaterThanEquals.
    Number(Order),
    /// DateEquals … DateGreaterThanEquals.
    Date(Order),
    /// IpAddress, NotIpAddress.
    Address {
        /// NotIpAddress.
        negated: bool,
    },
    /// Null.
    Null,
}

/// How text is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TextKind {
    /// StringEquals.
    Exact,
    /// StringEqualsIgnoreCase.
    Fold,
    /// StringLike.
    Like,
    /// ArnEquals and ArnLike, which are the same.
    Arn,
    /// Bool.
    Bool,
    /// BinaryEquals.
    Binary,
}

/// How ordered values are compared. `NotEqual` is the negation of `Equal`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Order {
    /// Equals.
    Equal,
    /// NotEquals.
    NotEqual,
    /// LessThan.
    Less,
    /// LessThanEquals.
    LessOrEqual,
    /// GreaterThan.
    Greater,
    /// GreaterThanEquals.
    GreaterOrEqual,
}

/// The prefix of an operator for keys with several values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SetOperator {
    /// Every value of the request must do.
    ForAllValues,
    /// One value of the request must do.
    ForAnyValue,
}

/// A condition's value as read from the document.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Text(Template),
    Number(f64),
    Date(Timestamp),
    Net(IpNet),
    /// Of the Null operator: whether the key must be missing.
    Missing(bool),
}

/// A value whose variables are filled in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Bound {
    Text(Pattern),
    Number(f64),
    Date(Timestamp),
    Net(IpNet),
    Missing(bool),
}

/// Whether something holds; `Doubt` where AWS does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Truth {
    No,
    Yes,
    Doubt,
}

impl Truth {
    pub(crate) fn not(self) -> Truth {
        match self {
            Truth::No => Truth::Yes,
            Truth::Yes => Truth::No,
            Truth::Doubt => Truth::Doubt,
        }
    }

    /// `Yes` if any is, else `Doubt` if any is.
    pub(crate) fn any(all: impl IntoIterator<Item = Truth>) -> Truth {
        let mut result = Truth::No;
        for truth in all {
            match truth {
                Truth::Yes => return Truth::Yes,
                Truth::Doubt => result = Truth::Doubt,
                Truth::No => {}
            }
        }
        result
    }
}

impl From<bool> for Truth {
    fn from(value: bool) -> Truth {
        if value { Truth::Yes } else { Truth::No }
    }
}

impl Operator {
    /// Reads an operator's name, in any case. `None`: there is no such operator.
    pub fn parse(name: &str) -> Option<Operator> {
        let name = name.to_ascii_lowercase();
        let (set, rest) = if let Some(rest) = name.strip_prefix("forallvalues:") {
            (Some(SetOperator::ForAllValues), rest)
        } else if let Some(rest) = name.strip_prefix("foranyvalue:") {
            (Some(SetOperator::ForAnyValue), rest)
        } else {
            (None, name.as_str())
        };
        let (rest, if_exists) = rest.strip_suffix("ifexists").map_or((rest, false), |rest| (rest, true));
        let text = |kind, negated| Base::Text { kind, negated };
        let base = match rest {
            "stringequals" => text(TextKind::Exact, false),
            "stringnotequals" => text(TextKind::Exact, true),
            "stringequalsignorecase" => text(TextKind::Fold, false),
            "stringnotequalsignorecase" => text(TextKind::Fold, true),
            "stringlike" => text(TextKind::Like, false),
            "stringnotlike" => text(TextKind::Like, true),
            "arnequals" | "arnlike" => text(TextKind::Arn, false),
            "arnnotequals" | "arnnotlike" => text(TextKind::Arn, true),
            "bool" => text(TextKind::Bool, false),
            "binaryequals" => text(TextKind::Binary, false),
            "ipaddress" => Base::Address { negated: false },
            "notipaddress" => Base::Address { negated: true },
            "null" if set.is_none() && !if_exists => Base::Null,
            _ => {
                if let Some(order) = rest.strip_prefix("numeric") {
                    Base::Number(Order::parse(order)?)
                } else {
                    Base::Date(Order::parse(rest.strip_prefix("date")?)?)
                }
            }
        };
        Some(Operator { base, set, if_exists })
    }

    /// Whether the operator is the negation of another: true where the key is missing.
    pub(crate) fn negated(self) -> bool {
        match self.base {
            Base::Text { negated, .. } | Base::Address { negated } => negated,
            Base::Number(order) | Base::Date(order) => order == Order::NotEqual,
            Base::Null => false,
        }
    }

    /// Reads one value for this operator. `Err`: why it cannot be one.
    pub(crate) fn value(self, text: &str, variables: bool) -> Result<Value, String> {
        let variables_fit = matches!(self.base, Base::Text { kind: TextKind::Exact | TextKind::Fold | TextKind::Like | TextKind::Arn, .. });
        match self.base {
            Base::Text { kind, .. } => {
                let wildcards = matches!(kind, TextKind::Like | TextKind::Arn);
                let template = Template::parse(text, wildcards, variables && variables_fit);
                match kind {
                    TextKind::Arn if template.colons() < 5 => Err(format!("`{text}` is no ARN: it has fewer than six parts")),
                    TextKind::Bool if boolean(text).is_none() => Err(format!("`{text}` is neither true nor false")),
                    _ => Ok(Value::Text(template)),
                }
            }
            Base::Number(_) => number(text).map(Value::Number).ok_or_else(|| format!("`{text}` is no number")),
            Base::Date(_) => date(text).map(Value::Date).ok_or_else(|| format!("`{text}` is no date")),
            Base::Address { .. } => network(text).map(Value::Net).ok_or_else(|| format!("`{text}` is no IP address or CIDR block")),
            Base::Null => boolean(text).map(Value::Missing).ok_or_else(|| format!("`{text}` is neither true nor false")),
        }
    }

    /// Makes the pattern of a text value whose variables are filled in.
    pub(crate) fn shape(self, pattern: Pattern) -> Pattern {
        match self.base {
            Base::Text { kind: TextKind::Fold | TextKind::Bool, .. } => pattern.fold(),
            Base::Text { kind: TextKind::Arn, .. } => pattern.by_segment(),
            _ => pattern,
        }
    }

    /// Whether one value of the request agrees with one value of the policy, negation left aside.
    pub(crate) fn agrees(self, bound: &Bound, given: &str) -> bool {
        match (self.base, bound) {
            (_, Bound::Text(pattern)) => pattern.matches(given),
            (Base::Number(order), Bound::Number(own)) => number(given).is_some_and(|given| order.holds(given.partial_cmp(own))),
            (Base::Date(order), Bound::Date(own)) => date(given).is_some_and(|given| order.holds(Some(given.cmp(own)))),
            (_, Bound::Net(net)) => address(given).is_some_and(|given| net.contains(&given)),
            _ => false,
        }
    }

    /// The verdict from what the request's values do: `any` or `all` of them agree with some value of the
    /// policy. `present`: the key is in the request; `several`: with more than one value.
    pub(crate) fn verdict(self, present: bool, any: bool, all: bool, several: bool) -> Truth {
        let negated = self.negated();
        if !present {
            return match self.set {
                _ if self.if_exists => Truth::Yes,
                Some(SetOperator::ForAllValues) => Truth::Yes,
                Some(SetOperator::ForAnyValue) => Truth::No,
                None => negated.into(),
            };
        }
        match self.set {
            Some(SetOperator::ForAllValues) => if negated { !any } else { all }.into(),
            Some(SetOperator::ForAnyValue) => if negated { !all } else { any }.into(),
            // AWS asks for a set operator here and documents no result without one: either reading is
            // possible where an existing value agrees, and a clear no where none does.
            None if several => {
                if any == negated {
                    Truth::No
                } else {
                    Truth::Doubt
                }
            }
            None => (any != negated).into(),
        }
    }

    /// Judges the operator over the values of the request; `None`: the key is missing.
    pub(crate) fn judge(self, bounds: &[Bound], given: Option<&[String]>) -> Truth {
        if self.base == Base::Null {
            let missing = given.is_none_or(<[String]>::is_empty);
            return bounds.contains(&Bound::Missing(missing)).into();
        }
        let given = given.unwrap_or_default();
        let agrees = |value: &String| bounds.iter().any(|bound| self.agrees(bound, value));
        let any = given.iter().any(agrees);
        let all = given.iter().all(agrees);
        self.verdict(!given.is_empty(), any, all, given.len() > 1)
    }
}

impl Order {
    fn parse(name: &str) -> Option<Order> {
        Some(match name {
            "equals" => Order::Equal,
            "notequals" => Order::NotEqual,
            "lessthan" => Order::Less,
            "lessthanequals" => Order::LessOrEqual,
            "greaterthan" => Order::Greater,
            "greaterthanequals" => Order::GreaterOrEqual,
            _ => return None,
        })
    }

    /// Whether the order holds between the request's and the policy's value; `NotEqual` as `Equal`, whose
    /// negation is applied to all values at once.
    fn holds(self, found: Option<std::cmp::Ordering>) -> bool {
        found.is_some_and(|found| match self {
            Order::Equal | Order::NotEqual => found.is_eq(),
            Order::Less => found.is_lt(),
            Order::LessOrEqual => found.is_le(),
            Order::Greater => found.is_gt(),
            Order::GreaterOrEqual => found.is_ge(),
        })
    }
}

/// A decimal number.
pub(crate) fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

/// `true` or `false`, in any case.
fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// A date of ISO 8601 with or without time and offset (UTC where there is none), or epoch seconds.
pub(crate) fn date(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(timestamp);
    }
    if let Ok(seconds) = text.parse::<i64>() {
        // A bare year is ISO 8601; no policy means the first hours of 1970.
        return if text.len() == 4 { format!("{text}-01-01").parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp()) } else { Timestamp::from_second(seconds).ok() };
    }
    let (local, bare) = match text.strip_suffix(['Z', 'z']) {
        Some(bare) => (bare, false),
        None => (text, true),
    };
    if bare && let Ok(day) = local.parse::<Date>() {
        return day.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    }
    local.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// An address, without a prefix length.
pub(crate) fn address(text: &str) -> Option<IpAddr> {
    text.trim().parse().ok()
}

/// A CIDR block, or an address as the block of itself.
pub(crate) fn network(text: &str) -> Option<IpNet> {
    let text = text.trim();
    text.parse().ok().or_else(|| address(text).map(IpNet::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Judges an operator with policy values over request values.
    fn judge(operator: &str, values: &[&str], given: Option<&[&str]>) -> Truth {
        let operator = Operator::parse(operator).expect("an operator");
        let bounds: Vec<Bound> = values
            .iter()
            .map(|text| match operator.value(text, true).expect("a value") {
                Value::Text(_) if matches!(operator.base, Base::Text { kind: TextKind::Like | TextKind::Arn, .. }) => Bound::Text(operator.shape(Pattern::glob(text))),
                Value::Text(_) => Bound::Text(operator.shape(Pattern::literal(text))),
                Value::Number(number) => Bound::Number(number),
                Value::Date(date) => Bound::Date(date),
                Value::Net(net) => Bound::Net(net),
                Value::Missing(missing) => Bound::Missing(missing),
            })
            .collect();
        let given: Option<Vec<String>> = given.map(|given| given.iter().map(|v| (*v).to_owned()).collect());
        operator.judge(&bounds, given.as_deref())
    }

    #[test]
    fn every_operator_on_a_value_that_agrees_and_one_that_does_not() {
        for (operator, value, agrees, other) in [
            ("StringEquals", "vpc-1", "vpc-1", "VPC-1"),
            ("StringEqualsIgnoreCase", "vpc-1", "VPC-1", "vpc-2"),
            ("StringLike", "vpc-*", "vpc-1", "eni-1"),
            ("ArnEquals", "arn:aws:iam::1:role/*", "arn:aws:iam::1:role/a/b", "arn:aws:iam::2:role/a"),
            ("ArnLike", "arn:aws:iam::?:role/x", "arn:aws:iam::9:role/x", "arn:aws:iam::99:role/x"),
            ("Bool", "true", "TRUE", "false"),
            ("BinaryEquals", "QmluYXJ5", "QmluYXJ5", "qmluYXJ5"),
            ("NumericEquals", "10", "10.0", "11"),
            ("NumericLessThan", "10", "9.5", "10"),
            ("NumericLessThanEquals", "10", "10", "10.1"),
            ("NumericGreaterThan", "10", "11", "10"),
            ("NumericGreaterThanEquals", "10", "10", "9"),
            ("DateEquals", "2026-01-01T00:00:00Z", "2026-01-01", "2026-01-02"),
            ("DateLessThan", "2026-01-01T00:00:00Z", "2025-12-31T23:59:59Z", "1767225600"),
            ("DateLessThanEquals", "1767225600", "2026-01-01T00:00Z", "2026-01-01T00:00:01Z"),
            ("DateGreaterThan", "2026-01-01T01:00:00+01:00", "2026-01-01T00:00:01Z", "2026-01-01T00:00:00Z"),
            ("DateGreaterThanEquals", "2026", "2026-01-01T00:00:00Z", "2025-12-31"),
            ("IpAddress", "10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
            ("IpAddress", "2001:db8::/32", "2001:db8::1", "10.0.0.1"),
            ("IpAddress", "10.0.0.1", "10.0.0.1", "10.0.0.2"),
        ] {
            assert_eq!(judge(operator, &[value], Some(&[agrees])), Truth::Yes, "{operator} {agrees}");
            assert_eq!(judge(operator, &[value], Some(&[other])), Truth::No, "{operator} {other}");
        }
        for (operator, value, agrees, other) in [
            ("StringNotEquals", "a", "a", "b"),
            ("StringNotEqualsIgnoreCase", "a", "A", "b"),
            ("StringNotLike", "a*", "ab", "b"),
            ("ArnNotEquals", "arn:aws:iam::1:role/*", "arn:aws:iam::1:role/a", "no ARN"),
            ("ArnNotLike", "arn:aws:iam::1:role/*", "arn:aws:iam::1:role/a", "arn:aws:iam::2:role/a"),
            ("NumericNotEquals", "1", "1", "2"),
            ("DateNotEquals", "2026-01-01", "2026-01-01", "2026-01-02"),
            ("NotIpAddress", "10.0.0.0/8", "10.0.0.1", "192.0.2.1"),
        ] {
            assert_eq!(judge(operator, &[value], Some(&[agrees])), Truth::No, "{operator} {agrees}");
            assert_eq!(judge(operator, &[value], Some(&[other])), Truth::Yes, "{operator} {other}");
            assert_eq!(judge(operator, &[value], None), Truth::Yes, "{operator}: negated, so true without the key");
        }
    }

    #[test]
    fn missing_keys() {
        assert_eq!(judge("StringEquals", &["a"], None), Truth::No);
        assert_eq!(judge("StringEqualsIfExists", &["a"], None), Truth::Yes);
        assert_eq!(judge("StringEqualsIfExists", &["a"], Some(&["b"])), Truth::No);
        assert_eq!(judge("ForAllValues:StringEquals", &["a"], None), Truth::Yes);
        assert_eq!(judge("ForAnyValue:StringNotEquals", &["a"], None), Truth::No);
        assert_eq!(judge("ForAnyValue:StringEqualsIfExists", &["a"], None), Truth::Yes);
        assert_eq!(judge("Null", &["true"], None), Truth::Yes);
        assert_eq!(judge("Null", &["false"], None), Truth::No);
        assert_eq!(judge("Null", &["false"], Some(&["x"])), Truth::Yes);
        assert_eq!(judge("Null", &["true"], Some(&["x"])), Truth::No);
    }

    #[test]
    fn sets() {
        let both: Option<&[&str]> = Some(&["a", "b"]);
        assert_eq!(judge("ForAllValues:StringEquals", &["a", "b", "c"], both), Truth::Yes);
        assert_eq!(judge("ForAllValues:StringEquals", &["a"], both), Truth::No);
        assert_eq!(judge("ForAnyValue:StringEquals", &["b"], both), Truth::Yes);
        assert_eq!(judge("ForAnyValue:StringNotEquals", &["a"], both), Truth::Yes);
        assert_eq!(judge("ForAnyValue:StringNotEquals", &["a", "b"], both), Truth::No);
        assert_eq!(judge("ForAllValues:StringNotEquals", &["c"], both), Truth::Yes);
        assert_eq!(judge("ForAllValues:StringNotEquals", &["a"], both), Truth::No);
        // Several values without a set operator: undefined where a value agrees.
        assert_eq!(judge("StringEquals", &["a"], both), Truth::Doubt);
        assert_eq!(judge("StringEquals", &["c"], both), Truth::No);
        assert_eq!(judge("StringNotEquals", &["a"], both), Truth::No);
        assert_eq!(judge("StringNotEquals", &["c"], both), Truth::Doubt);
    }

    #[test]
    fn several_values_of_the_policy_are_or_and_nor() {
        assert_eq!(judge("StringEquals", &["a", "b"], Some(&["b"])), Truth::Yes);
        assert_eq!(judge("StringNotEquals", &["a", "b"], Some(&["b"])), Truth::No);
        assert_eq!(judge("NotIpAddress", &["10.0.0.0/8", "192.0.2.0/24"], Some(&["192.0.2.9"])), Truth::No);
        assert_eq!(judge("Null", &["true", "false"], None), Truth::Yes);
    }

    #[test]
    fn no_such_operator_or_value() {
        for name in ["StringEqual", "NullIfExists", "ForAllValues:Null", "NumericLike", "Date", "", "IfExists", "For:Bool"] {
            assert_eq!(Operator::parse(name), None, "{name}");
        }
        for (operator, value) in [("Bool", "yes"), ("NumericEquals", "ten"), ("NumericEquals", "inf"), ("DateLessThan", "soon"), ("IpAddress", "10.0.0.0/33"), ("ArnLike", "*"), ("Null", "maybe")] {
            let operator = Operator::parse(operator).expect("an operator");
            assert!(operator.value(value, true).is_err(), "{value}");
        }
    }
}
