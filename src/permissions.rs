//! `audit permissions`: the IAM policy that the audit needs, and no more, out of the one table of actions.

use std::fmt::Write as _;

use serde_json::json;

use crate::actions::Action;

/// Actions by statement: what every audit reads, and what only some scenes or options need.
fn statements() -> [(&'static str, Vec<Action>); 2] {
    let of = |optional: bool| Action::ALL.iter().copied().filter(|a| a.optional() == optional).collect();
    [("AuditReads", of(false)), ("AuditReadsWhereInUse", of(true))]
}

/// The actions with what each is for, for people.
#[must_use]
pub fn text() -> String {
    let mut out = String::from("The audit only reads. These are all the API actions that it can call (`--format json` prints the policy).\n");
    for ((_, actions), title) in statements().into_iter().zip(["Needed by every audit", "Needed only where they matter; without them what depends on them is unknown"]) {
        let _ = writeln!(out, "\n{title}:");
        for action in actions {
            let _ = writeln!(out, "  {:<48} {}", action.name(), action.purpose());
        }
    }
    out
}

fn document() -> serde_json::Value {
    let statements: Vec<_> =
        statements().into_iter().map(|(sid, actions)| json!({"Sid": sid, "Effect": "Allow", "Action": actions.iter().map(|a| a.name()).collect::<Vec<_>>(), "Resource": "*"})).collect();
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// The policy document itself.
#[must_use]
pub fn policy_json() -> String {
    format!("{}\n", serde_json::to_string_pretty(&document()).unwrap_or_default())
}

/// A role for a GitHub workflow, with its trust and this policy, as Terraform.
#[must_use]
pub fn terraform() -> String {
    let mut out = String::from(
        r#"variable "github_repository" {
  description = "Repository whose workflows may take the role, such as my-org/my-repo"
  type        = string
}

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

data "aws_iam_policy_document" "audit_trust" {
  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]
    principals {
      type        = "Federated"
      identifiers = ["arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:oidc-provider/token.actions.githubusercontent.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "token.actions.githubusercontent.com:aud"
      values   = ["sts.amazonaws.com"]
    }
    condition {
      test     = "StringLike"
      variable = "token.actions.githubusercontent.com:sub"
      values   = ["repo:${var.github_repository}:*"]
    }
  }
}

data "aws_iam_policy_document" "audit" {
"#,
    );
    for (sid, actions) in statements() {
        let _ = write!(out, "  statement {{\n    sid = \"{sid}\"\n    actions = [\n");
        for action in actions {
            let _ = writeln!(out, "      \"{}\",", action.name());
        }
        out.push_str("    ]\n    resources = [\"*\"]\n  }\n");
    }
    out.push_str(
        r#"}

resource "aws_iam_role" "audit" {
  name               = "ecs-privatelink-audit"
  assume_role_policy = data.aws_iam_policy_document.audit_trust.json
}

resource "aws_iam_role_policy" "audit" {
  name   = "read"
  role   = aws_iam_role.audit.id
  policy = data.aws_iam_policy_document.audit.json
}
"#,
    );
    out
}

/// The same as a CloudFormation template.
#[must_use]
pub fn cloudformation() -> String {
    let mut out = String::from(
        r#"AWSTemplateFormatVersion: "2010-09-09"
Description: The role of a scheduled audit, which only reads
Parameters:
  GitHubRepository:
    Type: String
    Description: Repository whose workflows may take the role, such as my-org/my-repo
Resources:
  AuditRole:
    Type: AWS::IAM::Role
    Properties:
      RoleName: ecs-privatelink-audit
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Action: sts:AssumeRoleWithWebIdentity
            Principal:
              Federated: !Sub "arn:${AWS::Partition}:iam::${AWS::AccountId}:oidc-provider/token.actions.githubusercontent.com"
            Condition:
              StringEquals:
                token.actions.githubusercontent.com:aud: sts.amazonaws.com
              StringLike:
                token.actions.githubusercontent.com:sub: !Sub "repo:${GitHubRepository}:*"
      Policies:
        - PolicyName: read
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
"#,
    );
    for (sid, actions) in statements() {
        let _ = write!(out, "              - Sid: {sid}\n                Effect: Allow\n                Resource: \"*\"\n                Action:\n");
        for action in actions {
            let _ = writeln!(out, "                  - {}", action.name());
        }
    }
    out.push_str("Outputs:\n  RoleArn:\n    Value: !GetAtt AuditRole.Arn\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_names_every_action_once_and_only_reads() {
        let policy: serde_json::Value = serde_json::from_str(&policy_json()).unwrap();
        let mut named: Vec<&str> = policy["Statement"].as_array().unwrap().iter().flat_map(|s| s["Action"].as_array().unwrap()).filter_map(|a| a.as_str()).collect();
        named.sort_unstable();
        let mut table: Vec<&str> = Action::ALL.iter().map(|a| a.name()).collect();
        table.sort_unstable();
        assert_eq!(named, table);
        for action in named {
            let verb = action.split(':').nth(1).unwrap();
            assert!(["Describe", "List", "Get", "Search", "Lookup"].iter().any(|v| verb.starts_with(v)), "{action} does more than read");
        }
    }

    #[test]
    fn every_format_names_every_action() {
        for text in [text(), terraform(), cloudformation()] {
            assert!(Action::ALL.iter().all(|a| text.contains(a.name())));
        }
    }
}
