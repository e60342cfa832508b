//! `--format fix`: one script (or one Terraform file) that mends all findings, deduplicated and in the order in which the
//! changes must be made. It is printed, never run.
//!
//! The order: what endpoints stand on (DNS support, groups, ACLs, routes), then endpoints with `ecs-agent` and
//! `ecs-telemetry` first and `ecs` last (agents that see `ecs` come up take the other two as there), then changes of
//! endpoints, zones, roles and services, and agents last of all.

mod merge;

use super::text::{clean, clean_lines, is_treacherous};
use super::{Options, Report, view};
use crate::finding::{Finding, Verdict};

/// Renders the script, or with `options.terraform` the Terraform file.
#[must_use]
pub fn render(report: &Report, options: &Options) -> Vec<u8> {
    if options.terraform { terraform(report) } else { script(report) }
}

/// One command, and the findings that it belongs to.
struct Step<'a> {
    command: String,
    rank: u8,
    findings: Vec<&'a Finding>,
}

fn zones(report: &Report) -> merge::Zones<'_> {
    report.topology.subnets.iter().filter_map(|s| Some((s.id.as_str(), s.az.as_deref()?))).collect()
}

/// The script.
#[must_use]
pub fn script(report: &Report) -> Vec<u8> {
    let fails = || report.findings.iter().filter(|f| f.verdict == Verdict::Fail);
    let (owners, proposed): (Vec<&Finding>, Vec<&str>) = fails().flat_map(|f| f.remediation.commands.iter().map(move |c| (f, c.as_str()))).unzip();
    let (commands, places) = merge::commands(&proposed, &zones(report));
    let mut steps: Vec<Step<'_>> = commands.into_iter().map(|command| Step { rank: rank(&command), command, findings: Vec::new() }).collect();
    for (f, at) in owners.into_iter().zip(places) {
        if let Some(step) = steps.get_mut(at).filter(|s| s.findings.iter().all(|g| g.fingerprint != f.fingerprint)) {
            step.findings.push(f);
        }
    }
    steps.sort_by_key(|s| s.rank);
    let mut out = String::from("#!/usr/bin/env bash\n");
    out.push_str(&format!("# Changes proposed by audit {}, in the order in which they must be made.\n", clean(&report.tool.version)));
    out.push_str("# Nothing here has been run. Read each command before you run it; each changes your account.\n");
    if !report.complete {
        out.push_str("# The audit was incomplete: there may be more to mend than it could see.\n");
    }
    out.push_str("set -euo pipefail\n");
    if steps.is_empty() {
        out.push_str("\n# There is nothing to run.\n");
    }
    for step in &steps {
        out.push('\n');
        for f in step.findings.iter().take(10) {
            out.push_str(&format!("# {} {}: {}{}\n", clean(&f.rule), clean(&f.title), view::object(f), view::proof(f)));
        }
        if step.findings.len() > 10 {
            out.push_str(&format!("# and {} more\n", step.findings.len() - 10));
        }
        command(&mut out, &step.command);
    }
    let by_hand: Vec<&Finding> = fails().filter(|f| f.remediation.commands.is_empty()).collect();
    if !by_hand.is_empty() {
        out.push_str("\n# By hand:\n");
        for f in by_hand {
            out.push_str(&format!("# - {} on {}: {}\n", clean(&f.rule), view::object(f), clean(&f.remediation.text)));
        }
    }
    out.into_bytes()
}

/// A command as it can be run, or as a comment where this machine is not the place for it, or where it holds characters
/// that no proposed command has.
fn command(out: &mut String, command: &str) {
    let strange = command.chars().any(|c| c != '\n' && is_treacherous(c)) || command.replace("\\\n", "").contains('\n');
    if strange {
        out.push_str("# Left out, for it holds control characters:\n");
    } else if command.starts_with("aws ") && !crate::finding::runs_as_written(&command.replace("\\\n", "")) {
        out.push_str("# Left out, for it would do more than it says:\n");
    } else if command.starts_with("aws ") {
        out.push_str(command);
        out.push('\n');
        return;
    } else {
        out.push_str("# On each instance:\n");
    }
    for line in clean_lines(command).lines() {
        out.push_str(&format!("#   {line}\n"));
    }
}

/// Where a command stands in the order.
fn rank(command: &str) -> u8 {
    let has = |word: &str| command.contains(word);
    if !command.starts_with("aws ") {
        return 90;
    }
    if has(" modify-vpc-attribute") || has("dhcp-options") {
        0
    } else if has(" create-vpc-endpoint") {
        // The service's name ends the word: `….ecs` is not `….ecs-agent`.
        let service =
            command.split_whitespace().find(|w| w.starts_with("com.amazonaws.") || w.starts_with("cn.com.amazonaws.") || w.starts_with("aws.api.")).unwrap_or_default().trim_matches(['\'', '"']);
        match service.rsplit('.').next() {
            Some("ecs-agent") => 20,
            Some("ecs-telemetry") => 21,
            Some("ecs") => 29,
            _ => 22,
        }
    } else if has(" delete-vpc-endpoints") {
        // Before the endpoint that takes its place: two of one service cannot both have private DNS.
        15
    } else if has(" modify-vpc-endpoint") {
        30
    } else if has("aws ec2 ") {
        10
    } else if has("aws route53") {
        40
    } else if has("aws iam ") {
        45
    } else if has("update-container-agent") || has("aws ssm send-command") {
        80
    } else {
        50
    }
}

/// One Terraform file of all blocks that findings carry.
#[must_use]
pub fn terraform(report: &Report) -> Vec<u8> {
    let mut out = format!("# Changes proposed by audit {}. Read each block, and fit its names to your own configuration.\n", clean(&report.tool.version));
    let zones = zones(report);
    let mut blocks: Vec<(u8, String, Vec<&Finding>)> = Vec::new();
    for f in report.findings.iter().filter(|f| f.verdict == Verdict::Fail) {
        for block in f.remediation.terraform.as_deref().map(merge::blocks).unwrap_or_default() {
            let name = block.lines().next().unwrap_or_default().to_owned();
            let taken = blocks.iter().filter(|(_, own, _)| own.lines().next() == Some(&name)).count();
            if let Some((_, _, findings)) = blocks.iter_mut().find_map(|b| merge::block(&mut b.1, &block, &zones).then_some(b)) {
                findings.push(f);
            } else {
                let first = f.remediation.commands.iter().map(|c| rank(c)).min().unwrap_or(50);
                blocks.push((first, if taken > 0 { merge::rename(&block, taken + 1) } else { block }, vec![f]));
            }
        }
    }
    blocks.sort_by_key(|b| b.0);
    for (_, block, findings) in &blocks {
        out.push('\n');
        for f in findings.iter().take(10) {
            out.push_str(&format!("# {} {}: {}{}\n", clean(&f.rule), clean(&f.title), view::object(f), view::proof(f)));
        }
        if block.chars().any(|c| c != '\n' && is_treacherous(c)) {
            out.push_str("# Left out, for it holds control characters:\n");
            for line in clean_lines(block).lines() {
                out.push_str(&format!("#   {line}\n"));
            }
        } else {
            out.push_str(block);
            out.push('\n');
        }
    }
    if blocks.is_empty() {
        out.push_str("\n# There is nothing to change by Terraform.\n");
    }
    out.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn with(commands: &[&str]) -> Report {
        let mut report = sample::report();
        let f = report.findings[0].clone();
        report.findings = commands
            .iter()
            .enumerate()
            .map(|(i, c)| Finding { fingerprint: format!("{i:08x}"), remediation: crate::finding::Remediation { commands: vec![(*c).to_owned()], ..f.remediation.clone() }, ..f.clone() })
            .collect();
        report
    }

    fn run(report: &Report) -> Vec<String> {
        let text = String::from_utf8(script(report)).unwrap();
        text.lines().filter(|l| !l.is_empty() && !l.starts_with('#') && *l != "set -euo pipefail").map(str::to_owned).collect()
    }

    #[test]
    fn the_agents_endpoints_come_before_ecs_and_agents_last() {
        let create = |s: &str| format!("aws ec2 create-vpc-endpoint --service-name com.amazonaws.us-east-2.{s} --vpc-id vpc-1");
        let (ecs, agent, telemetry, logs) = (create("ecs"), create("ecs-agent"), create("ecs-telemetry"), create("logs"));
        let restart = "aws ecs update-container-agent --cluster prod --container-instance 1";
        let group = "aws ec2 authorize-security-group-ingress --group-id sg-1";
        let report = with(&[restart, &ecs, &logs, &telemetry, &agent, group, "aws ec2 modify-vpc-attribute --vpc-id vpc-1 --enable-dns-support"]);
        assert_eq!(run(&report), ["aws ec2 modify-vpc-attribute --vpc-id vpc-1 --enable-dns-support", group, &agent, &telemetry, &logs, &ecs, restart]);
    }

    #[test]
    fn one_endpoint_for_two_findings_is_created_once() {
        let create = |subnets: &str| format!("aws ec2 create-vpc-endpoint --service-name com.amazonaws.us-east-2.logs --vpc-id vpc-1 --subnet-ids {subnets}");
        let report = with(&[&create("subnet-0aaaaaaaaaaaaaaa1"), &create("subnet-0aaaaaaaaaaaaaaa2 subnet-0aaaaaaaaaaaaaaa3")]);
        assert_eq!(run(&report), [create("subnet-0aaaaaaaaaaaaaaa1 subnet-0aaaaaaaaaaaaaaa2")], "the third subnet is in the zone of the first");
    }

    #[test]
    fn one_terraform_block_a_name() {
        let mut report = with(&["aws ec2 a", "aws ec2 b", "aws ec2 c"]);
        let block = |cidr: &str| format!("resource \"x\" \"name\" {{\n  cidr = \"{cidr}\"\n}}\n");
        for (f, cidr) in report.findings.iter_mut().zip(["1", "2", "1"]) {
            f.remediation.terraform = Some(block(cidr));
        }
        let text = String::from_utf8(terraform(&report)).unwrap();
        assert_eq!(text.matches("resource ").count(), 2, "{text}");
        assert!(text.contains("\"name\" {") && text.contains("\"name_2\" {"));
    }

    #[test]
    fn one_command_stands_once_and_names_all_its_findings() {
        let report = with(&["aws ec2 a", "aws ec2 b", "aws ec2 a"]);
        assert_eq!(run(&report), ["aws ec2 a", "aws ec2 b"]);
        assert_eq!(String::from_utf8(script(&report)).unwrap().matches("# NW01").count() + String::from_utf8(script(&report)).unwrap().matches("# EP09").count(), 3);
    }

    #[test]
    fn what_is_not_for_this_machine_or_is_strange_is_a_comment() {
        assert!(run(&with(&["sudo docker restart ecs-agent", "aws ec2 a\nrm -rf /", "aws ec2 \u{1b}[8m", "aws x \u{202e}"])).is_empty());
        assert_eq!(run(&with(&["aws ec2 a \\\n  --vpc-id c"])), ["aws ec2 a \\", "  --vpc-id c"], "a continued line is one command");
    }

    #[test]
    fn texts_of_the_account_stay_in_their_comments() {
        let report = sample::hostile();
        for text in [script(&report), terraform(&report)] {
            let text = String::from_utf8(text).unwrap();
            assert!(!text.chars().any(|c| c != '\n' && is_treacherous(c)));
        }
        assert!(run(&report).is_empty(), "every command of that report was tampered with");
    }

    #[test]
    fn nothing_to_mend_is_said() {
        assert!(String::from_utf8(script(&sample::passing())).unwrap().contains("There is nothing to run."));
        assert!(String::from_utf8(terraform(&sample::passing())).unwrap().contains("nothing to change"));
        let text = String::from_utf8(terraform(&sample::report())).unwrap();
        assert!(text.contains("resource \"aws_vpc_security_group_ingress_rule\""), "{text}");
    }
}
