//! What rules ask of a document apart from single requests.

use super::document::{Document, Effect, MAX_CHARACTERS, Problem, ProblemKind, Statement};
use super::matching::{Piece, Template};
use super::principal::Entry;
use super::request::EndpointType;

/// All that is wrong with a policy text at an endpoint of this type, in order of the document; empty: AWS
/// would take it.
///
/// A gateway endpoint's Principal must be `*`
/// (<https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html>). [`ProblemKind::TooLong`] is
/// a warning, the others are failures.
pub fn problems(text: &[u8], endpoint: EndpointType) -> Vec<Problem> {
    let mut problems = match Document::parse(text) {
        Err(problem) => vec![problem],
        Ok(document) => {
            let mut problems = document.problems.clone();
            if endpoint == EndpointType::Gateway {
                problems.extend(document.statements.iter().filter(|s| !open_to_all(s)).map(|statement| Problem {
                    statement: Some(statement.index),
                    kind: ProblemKind::GatewayPrincipal,
                    text: "a gateway endpoint takes no Principal but `*`: narrow it by aws:PrincipalArn".to_owned(),
                }));
            }
            problems
        }
    };
    let length = String::from_utf8_lossy(text).trim_start_matches('\u{feff}').chars().count();
    if length > MAX_CHARACTERS {
        problems.push(Problem { statement: None, kind: ProblemKind::TooLong, text: format!("{length} characters, and an endpoint policy holds at most {MAX_CHARACTERS}") });
    }
    problems.sort_by_key(|problem| problem.statement);
    problems
}

/// Whether a readable Principal is `*` alone. A missing one is another problem, so it counts as such.
fn open_to_all(statement: &Statement) -> bool {
    statement.principal.as_ref().is_none_or(|principal| !principal.not && principal.values == [Entry::Anyone])
}

/// Whether the policy lets everything through, as the default policy of an endpoint does: an unconditional
/// Allow of everything to everyone, and nothing that may deny.
pub fn is_full_access(document: &Document) -> bool {
    let all = |template: &Template| !template.0.is_empty() && template.0.iter().all(|piece| *piece == Piece::Many);
    !document.doubtful
        && document.statements.iter().all(|statement| statement.effect == Effect::Allow)
        && document.statements.iter().any(|statement| {
            !statement.malformed
                && statement.conditions.is_empty()
                && statement.principal.as_ref().is_some_and(|p| !p.not && p.values.contains(&Entry::Anyone))
                && statement.action.as_ref().is_some_and(|a| !a.not && a.values.iter().any(|p| p.matches("")))
                && statement.resource.as_ref().is_some_and(|r| !r.not && r.values.iter().any(all))
        })
}

/// Whether the policy is the sample of the ECS documentation, which allows CreateCluster and ListClusters and
/// so shuts out the agents. Earlier versions of the page left out the Principal; both are recognised.
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/vpc-endpoints.html>
pub fn matches_published_sample(document: &Document) -> bool {
    let mut actions: Vec<String> = Vec::new();
    for statement in &document.statements {
        let (Effect::Allow, Some(action), true) = (statement.effect, &statement.action, statement.conditions.is_empty()) else {
            return false;
        };
        if action.not || statement.principal.as_ref().is_some_and(|principal| principal.not) {
            return false;
        }
        for pattern in &action.values {
            match pattern.as_literal() {
                Some(name) => actions.push(name),
                None => return false,
            }
        }
    }
    actions.sort();
    actions.dedup();
    actions == ["ecs:createcluster", "ecs:listclusters"]
}

/// The first Allow of an action without a resource type that names ARNs alone, if no other Allow names `*`.
///
/// Such an action asks for the resource `*`, so the statement denies it silently.
/// `action` is `service:Name` in any case.
pub fn granted_on_arns_only(document: &Document, action: &str) -> Option<usize> {
    let action = action.to_ascii_lowercase();
    let mut first = None;
    for statement in document.statements.iter().filter(|statement| statement.effect == Effect::Allow) {
        let (Some(actions), Some(resources)) = (&statement.action, &statement.resource) else {
            continue;
        };
        if actions.values.iter().any(|pattern| pattern.matches(&action)) == actions.not {
            continue;
        }
        let star = resources.values.iter().any(|template| template.0.iter().all(|piece| *piece == Piece::Many));
        if star != resources.not {
            return None;
        }
        first = first.or(Some(statement.index));
    }
    first
}

/// Actions of a document that belong to none of these services (`["ecs"]`), as the document's patterns in
/// lower case: they do nothing at the endpoint. `*` belongs to all.
pub fn foreign_actions(document: &Document, services: &[&str]) -> Vec<(usize, String)> {
    let mut foreign = Vec::new();
    for statement in &document.statements {
        for pattern in statement.action.iter().filter(|action| !action.not).flat_map(|action| &action.values) {
            let text = pattern.to_string();
            let service = text.split(':').next().unwrap_or_default();
            if !service.contains('*') && !services.iter().any(|own| own.eq_ignore_ascii_case(service)) {
                foreign.push((statement.index, text));
            }
        }
    }
    foreign
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Document {
        Document::parse(text.as_bytes()).expect("a policy")
    }

    const FULL: &str = r#"{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#;

    #[test]
    fn full_access_is_unconditional_and_without_deny() {
        assert!(is_full_access(&parse(FULL)));
        assert!(is_full_access(&parse(&FULL.replace(r#""Principal":"*""#, r#""Principal":{"AWS":["*"]}"#))));
        for (from, to) in [
            (r#""Action":"*""#, r#""Action":"ecs:*""#),
            (r#""Resource":"*""#, r#""Resource":"arn:aws:ecs:*""#),
            (r#""Principal":"*""#, r#""Principal":{"AWS":"111122223333"}"#),
            (r#""Principal":"*","#, ""),
            (r#""Effect":"Allow""#, r#""Effect":"Deny""#),
            (r#""Resource":"*""#, r#""Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}"#),
            (r#"}]}"#, r#"},{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}]}"#),
        ] {
            assert!(!is_full_access(&parse(&FULL.replace(from, to))), "{to}");
        }
    }

    #[test]
    fn the_published_sample_with_and_without_a_principal() {
        let old = r#"{"Statement":[{"Effect":"Allow","Action":["ecs:CreateCluster","ecs:ListClusters"],"Resource":["*"]}]}"#;
        assert!(matches_published_sample(&parse(old)));
        assert!(matches_published_sample(&parse(&old.replace(r#""Effect""#, r#""Principal":"*","Effect""#))));
        assert!(!matches_published_sample(&parse(&old.replace("ListClusters", "*"))));
        assert!(!matches_published_sample(&parse(FULL)));
    }

    #[test]
    fn gateway_principals_and_length() {
        let text = FULL.replace(r#""Principal":"*""#, r#""Principal":{"AWS":"111122223333"}"#);
        assert!(problems(text.as_bytes(), EndpointType::Interface).is_empty());
        let found = problems(text.as_bytes(), EndpointType::Gateway);
        assert_eq!(found.iter().map(|p| p.kind).collect::<Vec<_>>(), [ProblemKind::GatewayPrincipal]);
        assert!(problems(FULL.as_bytes(), EndpointType::Gateway).is_empty());
        let padded = format!("{FULL}{}", " ".repeat(MAX_CHARACTERS - FULL.len()));
        assert!(problems(padded.as_bytes(), EndpointType::Interface).is_empty());
        let longer = problems(format!("{padded} ").as_bytes(), EndpointType::Interface);
        assert_eq!(longer.iter().map(|p| p.kind).collect::<Vec<_>>(), [ProblemKind::TooLong]);
        assert_eq!(problems(b"{", EndpointType::Interface).len(), 1);
    }

    #[test]
    fn an_action_without_a_resource_type_on_an_arn() {
        let text = r#"{"Statement":[
            {"Effect":"Allow","Principal":"*","Action":"ecs:*","Resource":"arn:aws:ecs:*:*:cluster/*"}]}"#;
        assert_eq!(granted_on_arns_only(&parse(text), "ecs:DiscoverPollEndpoint"), Some(0));
        assert_eq!(granted_on_arns_only(&parse(text), "ecr:GetAuthorizationToken"), None);
        assert_eq!(granted_on_arns_only(&parse(FULL), "ecs:DiscoverPollEndpoint"), None);
        let both = text.replace(r#"]}"#, r#",{"Effect":"Allow","Principal":"*","Action":"ecs:DiscoverPollEndpoint","Resource":"*"}]}"#);
        assert_eq!(granted_on_arns_only(&parse(&both), "ecs:DiscoverPollEndpoint"), None);
    }

    #[test]
    fn actions_of_other_services() {
        let text = FULL.replace(r#""Action":"*""#, r#""Action":["ecs:Poll","EC2:Describe*","*"]"#);
        assert_eq!(foreign_actions(&parse(&text), &["ecs"]), [(0, "ec2:describe*".to_owned())]);
    }
}
