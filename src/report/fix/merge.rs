//! Two findings may propose the same endpoint for different subnets. A VPC takes one endpoint of a service with private DNS,
//! and an endpoint one subnet a zone: so such proposals become one.

use std::collections::{BTreeMap, BTreeSet};

/// Options that hold lists, in commands and in Terraform.
const LISTS: [&str; 6] = ["--subnet-ids", "--security-group-ids", "--route-table-ids", "subnet_ids", "security_group_ids", "route_table_ids"];

/// The zone of each subnet.
pub type Zones<'a> = BTreeMap<&'a str, &'a str>;

/// A command that creates an endpoint, taken apart.
struct Create {
    options: Vec<(String, Vec<String>)>,
}

impl Create {
    const LEAD: &'static str = "aws ec2 create-vpc-endpoint ";

    /// Takes a command apart. One with quotes or a continued line is left as it is.
    fn parse(command: &str) -> Option<Self> {
        let rest = command.strip_prefix(Self::LEAD).filter(|r| !r.contains(['\'', '"', '\\', '\n', '&', ';', '|']))?;
        let mut options: Vec<(String, Vec<String>)> = Vec::new();
        for word in rest.split_whitespace() {
            if word.starts_with("--") {
                options.push((word.to_owned(), Vec::new()));
            } else {
                options.last_mut()?.1.push(word.to_owned());
            }
        }
        Some(Self { options })
    }

    /// What must agree for two to be one: everything but the lists.
    fn key(&self) -> BTreeSet<(String, Vec<String>)> {
        self.options.iter().filter(|(name, _)| !LISTS.contains(&name.as_str())).cloned().collect()
    }

    fn absorb(&mut self, other: Self, zones: &Zones<'_>) {
        for (name, values) in other.options.into_iter().filter(|(name, _)| LISTS.contains(&name.as_str())) {
            match self.options.iter_mut().find(|(n, _)| *n == name) {
                Some((_, own)) => union(own, values, zones),
                None => self.options.push((name, values)),
            }
        }
    }

    fn text(&self) -> String {
        let options: Vec<String> = self.options.iter().map(|(name, values)| std::iter::once(name.as_str()).chain(values.iter().map(String::as_str)).collect::<Vec<_>>().join(" ")).collect();
        format!("{}{}", Self::LEAD, options.join(" "))
    }
}

/// Adds what is new, but no second subnet of a zone.
fn union(own: &mut Vec<String>, values: Vec<String>, zones: &Zones<'_>) {
    for value in values {
        let zone = zones.get(value.trim_matches('"'));
        let taken = zone.is_some() && own.iter().any(|v| zones.get(v.trim_matches('"')) == zone);
        if !taken && !own.contains(&value) {
            own.push(value);
        }
    }
}

/// The commands with those that create the same endpoint made one, at the place of the first. For each command its own
/// position in the result.
pub fn commands(all: &[&str], zones: &Zones<'_>) -> (Vec<String>, Vec<usize>) {
    let mut out: Vec<(String, Option<Create>)> = Vec::new();
    let mut places = Vec::new();
    for command in all {
        let create = Create::parse(command);
        let same = |(text, own): &(String, Option<Create>)| match (own, &create) {
            (Some(own), Some(new)) => own.key() == new.key(),
            _ => text == command,
        };
        match out.iter().position(same) {
            Some(at) => {
                if let (Some((_, Some(own))), Some(new)) = (out.get_mut(at), create) {
                    own.absorb(new, zones);
                }
                places.push(at);
            }
            None => {
                places.push(out.len());
                out.push(((*command).to_owned(), create));
            }
        }
    }
    (out.into_iter().map(|(text, create)| create.map_or(text, |c| c.text())).collect(), places)
}

/// The blocks of a Terraform text: each from a line at the margin to the brace that ends it there.
pub fn blocks(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut open = false;
    for line in text.lines().map(str::trim_end) {
        if line.is_empty() && !open {
            continue;
        }
        match out.last_mut().filter(|_| open) {
            Some(block) => {
                block.push('\n');
                block.push_str(line);
            }
            None => out.push(line.to_owned()),
        }
        open = if open { line != "}" } else { line.ends_with('{') };
    }
    out
}

/// Makes `new` part of `own` if both are the same block but for their lists.
pub fn block(own: &mut String, new: &str, zones: &Zones<'_>) -> bool {
    let list = |line: &str| {
        let (key, value) = line.split_once('=')?;
        let inner = value.trim().strip_prefix('[')?.strip_suffix(']')?;
        LISTS.contains(&key.trim()).then(|| (key.to_owned(), inner.split(',').map(|v| v.trim().to_owned()).filter(|v| !v.is_empty()).collect::<Vec<_>>()))
    };
    if own.lines().count() != new.lines().count() {
        return false;
    }
    let mut lines = Vec::new();
    for (a, b) in own.lines().zip(new.lines()) {
        match (list(a), list(b)) {
            (Some((key, mut values)), Some((other, more))) if key == other => {
                union(&mut values, more, zones);
                lines.push(format!("{key}= [{}]", values.join(", ")));
            }
            _ if a == b => lines.push(a.to_owned()),
            _ => return false,
        }
    }
    *own = lines.join("\n");
    true
}

/// The name of a block with `_N` behind it, where another block has taken the plain one.
pub fn rename(block: &str, n: usize) -> String {
    let (head, rest) = block.split_once('\n').unwrap_or((block, ""));
    match head.rsplit_once("\" {") {
        Some((name, "")) => format!("{name}_{n}\" {{\n{rest}"),
        _ => block.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZONES: [(&str, &str); 3] = [("subnet-1", "a"), ("subnet-2", "b"), ("subnet-3", "a")];

    #[test]
    fn the_same_endpoint_twice_becomes_one_with_a_subnet_a_zone() {
        let create = |service: &str, subnets: &str| {
            format!("aws ec2 create-vpc-endpoint --vpc-id vpc-1 --service-name {service} --subnet-ids {subnets} --security-group-ids sg-1 --private-dns-enabled --region r")
        };
        let (a, b, c) = (create("logs", "subnet-1"), create("ssm", "subnet-1"), create("logs", "subnet-2 subnet-3"));
        let (out, places) = commands(&[&a, &b, "aws x", &c, "aws x"], &Zones::from(ZONES));
        assert_eq!(out, [create("logs", "subnet-1 subnet-2"), b.clone(), "aws x".to_owned()]);
        assert_eq!(places, [0, 1, 2, 0, 2]);
        let policy = format!("{a} --policy-document '{{}}'");
        assert_eq!(commands(&[&a, &policy], &Zones::new()).0.len(), 2, "one with quotes is left alone");
        let elsewhere = a.replace("vpc-1", "vpc-2");
        assert_eq!(commands(&[&a, &elsewhere], &Zones::new()).0.len(), 2);
    }

    #[test]
    fn blocks_are_split_merged_and_renamed() {
        let one = "resource \"t\" \"n\" {\n  vpc_id     = \"vpc-1\"\n  subnet_ids = [\"subnet-1\"]\n}";
        let two = one.replace("subnet-1", "subnet-2");
        assert_eq!(blocks(&format!("{one}\n\n{two}\n")), [one.to_owned(), two.clone()]);
        let mut own = one.to_owned();
        assert!(block(&mut own, &two, &Zones::from(ZONES)));
        assert_eq!(own, one.replace("\"subnet-1\"", "\"subnet-1\", \"subnet-2\""));
        assert!(!block(&mut own, &one.replace("vpc-1", "vpc-2"), &Zones::new()));
        assert!(rename(one, 2).starts_with("resource \"t\" \"n_2\" {\n  vpc_id"));
    }
}
