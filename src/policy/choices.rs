//! The values of an unknown context key that a policy can tell apart.
//!
//! For every key finitely many values suffice: those that the policy writes out, one for each way in which
//! its wildcards can match, the numbers, dates and addresses at the edges of its ranges, one that nothing
//! matches, and "missing". For keys with several values: what sets of these can do.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::condition::{Base, Bound, Operator, TextKind, Truth, date, number};
use super::matching::{Pattern, combinations};
use super::request::Domain;

/// One condition on an open key, variables filled in.
#[derive(Clone, Debug)]
pub(crate) struct Atom {
    pub(crate) operator: Operator,
    pub(crate) bounds: Vec<Bound>,
}

/// One way in which an open key can be, as far as the policy can tell.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Choice {
    /// Values that bring it about; `None`: the key is missing.
    pub(crate) values: Option<Vec<String>>,
    /// What each atom says.
    pub(crate) truths: Vec<Truth>,
}

/// Steps of the search for texts that patterns tell apart.
pub(crate) const PATTERN_STEPS: usize = 2_000_000;
/// Different sets of values that are looked at.
const SETS: usize = 400;

/// What a value, or a set of values, does to each atom: does any, do all of them agree?
type Bits = Vec<(bool, bool)>;

/// All choices of one key. `None`: too many, or the operators on it do not fit together; then each atom is to
/// be taken as an unknown of its own.
pub(crate) fn choices(domain: &Domain, several: bool, atoms: &[Atom]) -> Option<Vec<Choice>> {
    let mut singles: BTreeMap<Bits, Vec<String>> = BTreeMap::new();
    for (bits, value) in single_values(domain, atoms)? {
        singles.entry(bits).or_insert_with(|| vec![value]);
    }
    let mut sets: Vec<(Bits, Vec<String>, bool)> = singles.into_iter().map(|(bits, values)| (bits, values, false)).collect();
    if several && atoms.iter().any(|atom| atom.operator.set.is_some()) {
        let base = sets.clone();
        if atoms.iter().any(|atom| atom.operator.set.is_none()) {
            // An operator without a set prefix sees a difference between one value and several alike.
            sets.extend(base.iter().map(|(bits, values, _)| (bits.clone(), [values.as_slice(), values].concat(), true)));
        }
        let mut seen: BTreeSet<Bits> = BTreeSet::new();
        let mut next = 0;
        // Joins every set with every single value until nothing new comes out.
        while let Some((bits, values, _)) = sets.get(next).cloned() {
            next += 1;
            for (other, more, _) in &base {
                let joined: Bits = bits.iter().zip(other).map(|((any, all), (any2, all2))| (any | any2, all & all2)).collect();
                if more.iter().any(|value| values.contains(value)) || !seen.insert(joined.clone()) {
                    continue;
                }
                if sets.len() >= SETS {
                    return None;
                }
                let mut all = values.clone();
                all.extend(more.iter().cloned());
                sets.push((joined, all, true));
            }
        }
    }
    let mut result: Vec<Choice> = Vec::new();
    let mut add = |values: Option<Vec<String>>, truths: Vec<Truth>| {
        if result.iter().all(|choice| choice.truths != truths) {
            result.push(Choice { values, truths });
        }
    };
    if domain.may_be_absent {
        add(None, atoms.iter().map(|atom| atom.operator.judge(&atom.bounds, None)).collect());
    }
    for (bits, values, several) in sets {
        let truths = atoms
            .iter()
            .zip(&bits)
            .map(|(atom, (any, all))| match atom.operator.base {
                Base::Null => atom.bounds.contains(&Bound::Missing(false)).into(),
                _ => atom.operator.verdict(true, *any, *all, several),
            })
            .collect();
        add(Some(values), truths);
    }
    Some(result)
}

/// Which family of values an operator compares; `None` for Null, which looks at none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Family {
    Text,
    Truth,
    Number,
    Date,
    Address,
}

fn family(operator: Operator) -> Option<Family> {
    match operator.base {
        Base::Text { kind: TextKind::Bool, .. } => Some(Family::Truth),
        Base::Text { .. } => Some(Family::Text),
        Base::Number(_) => Some(Family::Number),
        Base::Date(_) => Some(Family::Date),
        Base::Address { .. } => Some(Family::Address),
        Base::Null => None,
    }
}

/// Single values that cover all ways in which one value can do, each with what it does.
fn single_values(domain: &Domain, atoms: &[Atom]) -> Option<Vec<(Bits, String)>> {
    let mut families: BTreeSet<Family> = atoms.iter().filter_map(|atom| family(atom.operator)).collect();
    if families.contains(&Family::Truth) {
        // Such a key is true or false, whatever else compares it as text.
        families.remove(&Family::Text);
    }
    let direct = |values: Vec<String>| -> Vec<(Bits, String)> { values.into_iter().map(|value| (bits(atoms, &value), value)).collect() };
    if !domain.only.is_empty() {
        return Some(direct(domain.only.clone()));
    }
    if let Some(net) = domain.within {
        families.insert(Family::Address);
        if families.len() == 1 {
            let mut inside = vec![net.network().to_string()];
            inside.extend(edges(atoms).into_iter().filter(|address| net.contains(address)).map(|address| address.to_string()));
            return Some(direct(inside));
        }
    }
    let mut families = families.into_iter();
    let family = families.next();
    if families.next().is_some() {
        return None;
    }
    match family {
        None | Some(Family::Text) => texts(domain, atoms),
        Some(Family::Truth) => Some(direct(vec!["true".to_owned(), "false".to_owned()])),
        Some(Family::Number) => Some(direct(numbers(atoms))),
        Some(Family::Date) => Some(direct(dates(atoms))),
        Some(Family::Address) => {
            let mut all: Vec<String> = edges(atoms).into_iter().map(|address| address.to_string()).collect();
            all.push(IpAddr::V4(Ipv4Addr::UNSPECIFIED).to_string());
            all.push(IpAddr::V6(Ipv6Addr::UNSPECIFIED).to_string());
            Some(direct(all))
        }
    }
}

fn bits(atoms: &[Atom], value: &str) -> Bits {
    atoms
        .iter()
        .map(|atom| {
            let agrees = atom.bounds.iter().any(|bound| atom.operator.agrees(bound, value));
            (agrees, agrees)
        })
        .collect()
}

/// Texts: those written out, and one for each combination of patterns with wildcards.
fn texts(domain: &Domain, atoms: &[Atom]) -> Option<Vec<(Bits, String)>> {
    let mut literals: BTreeSet<String> = BTreeSet::new();
    let mut patterns: Vec<Pattern> = Vec::new();
    for bound in atoms.iter().flat_map(|atom| &atom.bounds) {
        if let Bound::Text(pattern) = bound {
            match pattern.as_literal() {
                Some(literal) => {
                    literals.insert(literal);
                }
                None if patterns.contains(pattern) => {}
                None => patterns.push(pattern.clone()),
            }
        }
    }
    let mut found = combinations(&patterns, &domain.shapes, PATTERN_STEPS)?;
    if found.iter().any(|(_, value)| literals.contains(value)) {
        // Is there another text of that kind, or is the one that is written out the only one? To tell, the
        // search must know them all. Where that is too much work, another text is taken to exist.
        let mut all = patterns.clone();
        all.extend(literals.iter().map(|literal| Pattern::literal(literal)));
        if let Some(exact) = combinations(&all, &domain.shapes, PATTERN_STEPS) {
            found = exact.into_iter().filter(|(vector, _)| !vector.iter().skip(patterns.len()).any(|is| *is)).collect();
        }
    }
    let fits = |value: &str| domain.shapes.is_empty() || domain.shapes.iter().any(|shape| shape.matches(value));
    let mut result: Vec<(Bits, String)> = Vec::new();
    if !domain.aws_owned {
        for value in literals.iter().filter(|value| fits(value)) {
            result.push((bits(atoms, value), value.clone()));
        }
    }
    for (vector, value) in found {
        // The text stands for all that match the same patterns, so it counts as none that is written out.
        let agrees = |bound: &Bound| match bound {
            Bound::Text(pattern) => patterns.iter().position(|p| p == pattern).and_then(|n| vector.get(n)) == Some(&true),
            _ => false,
        };
        let bits = atoms
            .iter()
            .map(|atom| {
                let any = atom.bounds.iter().any(agrees);
                (any, any)
            })
            .collect();
        result.push((bits, value));
    }
    Some(result)
}

/// The numbers that are written out, their neighbours, and the middles between them.
fn numbers(atoms: &[Atom]) -> Vec<String> {
    let mut found: Vec<f64> = atoms.iter().flat_map(|atom| &atom.bounds).filter_map(|bound| if let Bound::Number(number) = bound { Some(*number) } else { None }).collect();
    found.sort_by(f64::total_cmp);
    found.dedup();
    let mut values = Vec::new();
    for (place, value) in found.iter().enumerate() {
        values.extend([value - 1.0, *value, value + 1.0]);
        if let Some(next) = found.get(place + 1) {
            let middle = value + (next - value) / 2.0;
            let whole = value.fract() == 0.0 && next.fract() == 0.0;
            values.push(if whole { middle.floor() } else { middle });
        }
    }
    if values.is_empty() {
        values.push(1.0);
    }
    values.iter().map(f64::to_string).filter(|text| number(text).is_some()).collect()
}

/// The dates that are written out and the seconds beside them.
fn dates(atoms: &[Atom]) -> Vec<String> {
    let mut values = Vec::new();
    for bound in atoms.iter().flat_map(|atom| &atom.bounds) {
        if let Bound::Date(date) = bound {
            let second = jiff::SignedDuration::from_secs(1);
            values.extend([date.checked_sub(second), Ok(*date), date.checked_add(second)].into_iter().flatten());
        }
    }
    values.iter().map(ToString::to_string).filter(|text| date(text).is_some()).collect()
}

/// The first address of each block that is written out, and the first after it. Between two neighbouring
/// ones no block begins or ends.
fn edges(atoms: &[Atom]) -> Vec<IpAddr> {
    let mut values = Vec::new();
    for bound in atoms.iter().flat_map(|atom| &atom.bounds) {
        if let Bound::Net(net) = bound {
            values.push(net.network());
            let after = match net.broadcast() {
                IpAddr::V4(last) => u32::from(last).checked_add(1).map(|next| IpAddr::V4(next.into())),
                IpAddr::V6(last) => u128::from(last).checked_add(1).map(|next| IpAddr::V6(next.into())),
            };
            values.extend(after);
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::condition::Value;
    use crate::policy::request::{ContextValue, EndpointType, KeyState, Request};

    fn domain(value: ContextValue) -> Domain {
        match Request::new("a:b", EndpointType::Interface).context("k", value).key("k") {
            KeyState::Open(domain) => domain,
            other => panic!("{other:?} is not open"),
        }
    }

    fn atom(operator: &str, values: &[&str]) -> Atom {
        let operator = Operator::parse(operator).expect("an operator");
        let bounds = values
            .iter()
            .map(|text| match operator.value(text, false).expect("a value") {
                Value::Text(_) => Bound::Text(operator.shape(match operator.base {
                    Base::Text { kind: TextKind::Like | TextKind::Arn, .. } => Pattern::glob(text),
                    _ => Pattern::literal(text),
                })),
                Value::Number(number) => Bound::Number(number),
                Value::Date(date) => Bound::Date(date),
                Value::Net(net) => Bound::Net(net),
                Value::Missing(missing) => Bound::Missing(missing),
            })
            .collect();
        Atom { operator, bounds }
    }

    /// The different rows of truths, as text.
    fn rows(value: ContextValue, several: bool, atoms: &[Atom]) -> BTreeSet<String> {
        choices(&domain(value), several, atoms).expect("few").into_iter().map(|choice| choice.truths.iter().map(|truth| format!("{truth:?}").chars().next().unwrap_or(' ')).collect()).collect()
    }

    fn set(rows: &[&str]) -> BTreeSet<String> {
        rows.iter().map(|row| (*row).to_owned()).collect()
    }

    #[test]
    fn equal_and_not_equal_are_opposites_and_missing_is_its_own() {
        let atoms = [atom("StringEquals", &["a"]), atom("StringNotEquals", &["a"])];
        assert_eq!(rows(ContextValue::Unknown, false, &atoms), set(&["NY", "YN"]));
        let atoms = [atom("StringEquals", &["a"]), atom("Null", &["true"])];
        assert_eq!(rows(ContextValue::Unknown, false, &atoms), set(&["NN", "NY", "YN"]));
    }

    #[test]
    fn ranges_and_blocks() {
        let atoms = [atom("NumericGreaterThan", &["10"]), atom("NumericLessThan", &["20"])];
        assert_eq!(rows(ContextValue::Present, false, &atoms), set(&["NY", "YY", "YN"]));
        // No whole number lies between 10 and 11.
        let atoms = [atom("NumericGreaterThan", &["10"]), atom("NumericLessThan", &["11"])];
        assert_eq!(rows(ContextValue::Present, false, &atoms), set(&["NY", "YN"]));
        let atoms = [atom("IpAddress", &["10.0.0.0/8"]), atom("NotIpAddress", &["10.1.0.0/16"])];
        assert_eq!(rows(ContextValue::Present, false, &atoms), set(&["YY", "YN", "NY"]));
        let within = ContextValue::Within("10.1.0.0/16".parse().expect("a block"));
        assert_eq!(rows(within, false, &atoms), set(&["YN"]));
        let wider = ContextValue::Within("10.0.0.0/15".parse().expect("a block"));
        assert_eq!(rows(wider, false, &atoms), set(&["YN", "YY"]));
    }

    #[test]
    fn sets_of_values_where_an_operator_looks_at_sets() {
        let atoms = [atom("ForAllValues:StringEquals", &["a"]), atom("ForAnyValue:StringEquals", &["a"])];
        // Missing: vacuously all, not any. {a}: both. {b}: neither. {a, b}: any.
        assert_eq!(rows(ContextValue::Unknown, true, &atoms), set(&["YN", "YY", "NN", "NY"]));
        assert_eq!(rows(ContextValue::Unknown, false, &atoms), set(&["YN", "YY", "NN"]));
    }

    #[test]
    fn an_account_of_aws_is_none_that_is_written_out() {
        let atoms = [atom("StringEquals", &["111122223333"]), atom("StringLike", &["*"])];
        let request = Request::new("s3:GetObject", EndpointType::Gateway).context("aws:ResourceAccount", ContextValue::AwsOwned);
        let KeyState::Open(domain) = request.key("aws:ResourceAccount") else { panic!("open") };
        let all = choices(&domain, false, &atoms).expect("few");
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].truths, [Truth::No, Truth::Yes]);
    }

    #[test]
    fn families_that_do_not_mix_are_left_to_the_caller() {
        let atoms = [atom("NumericEquals", &["1"]), atom("StringLike", &["1*"])];
        assert_eq!(choices(&domain(ContextValue::Unknown), false, &atoms), None);
    }
}
